"""A small simulation, with limits that a wrong test would miss."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest

from benchmarks.verdict import raced, simulate
from benchmarks.verdict.fixed_plan import ROPE, Truths, measured
from benchmarks.verdict.generators import GENERATORS, Correlated, Subjects
from benchmarks.verdict.musts import faults
from study.verdict.racing import RaceRule, race

STUDIES = 200
Figures = dict[str, list[float]]


@pytest.fixture(scope="module")
def generators() -> dict[str, dict[str, Any]]:
    chosen = (Correlated(0.2), Correlated(0.4), Subjects("subjects"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(simulate, "GENERATORS", chosen)
        return {of["name"]: of for of in simulate.simulate(STUDIES, seed=1)}


@pytest.fixture(scope="module")
def exact(generators: dict[str, dict[str, Any]]) -> Figures:
    """Where the correlation is what the corrected t assumes, levels hold exactly."""
    found: Figures = generators["correlation 0.2"]["figures"]
    return found


def at_most(rate: float) -> float:
    """The rate and four standard errors of `STUDIES` studies."""
    return rate + 4 * sqrt(rate * (1 - rate) / STUDIES)


def test_the_corrected_t_keeps_its_level_and_the_naive_one_does_not(exact: Figures) -> None:
    for repeats in (1, 5, 10):
        assert exact[f"fixed.{repeats}.false"][0] <= at_most(0.05)
        assert 1 - exact[f"fixed.{repeats}.coverage"][0] <= at_most(0.05)
        assert exact[f"fixed.{repeats}.wide"][0] <= at_most(0.05)
    assert exact["fixed.5.naive"][0] > 0.4 > at_most(0.05)
    assert exact["race.none.false"][0] <= at_most(0.05)
    assert exact["race.one.false"][0] <= at_most(0.05)


def test_the_stated_difference_is_shown_in_four_of_five(exact: Figures) -> None:
    for repeats in (1, 5, 10):
        assert abs(exact[f"fixed.{repeats}.power_one"][0] - 0.8) <= 4 * sqrt(0.8 * 0.2 / STUDIES)
        assert exact[f"fixed.{repeats}.power_all"][0] >= exact[f"fixed.{repeats}.power_one"][0]


def test_a_correlation_above_the_assumed_one_is_seen(
    generators: dict[str, dict[str, Any]],
) -> None:
    above = generators["correlation 0.4"]
    assert not above["judged"]
    assert above["figures"]["fixed.5.false"][0] > at_most(0.05)
    assert faults([above | {"judged": True}])
    assert faults([above]) == []


def test_these_subjects_are_covered_whatever_their_correlation(
    generators: dict[str, dict[str, Any]],
) -> None:
    for of in generators.values():
        assert 1 - of["figures"]["fixed.5.coverage_these"][0] <= at_most(0.05)


def test_races_end_and_save(generators: dict[str, dict[str, Any]]) -> None:
    for of in generators.values():
        figures = of["figures"]
        for truth in ("none", "one", "all", "twice", "wide_none", "wide_edge"):
            ways = ("decided", "unreachable", "exhausted")
            assert sum(figures[f"race.{truth}.{way}"][0] for way in ways) == pytest.approx(1)
            assert figures[f"race.{truth}.trainings"][0] >= 2 * 4
        assert figures["race.none.trainings"][0] < raced.FIXED_TRAININGS / 2
        assert figures["race.twice.power"][0] > 0.95


@pytest.mark.parametrize("rope", [ROPE, 0.02])
def test_a_race_fed_as_it_asks_ends_as_one_that_has_all(rope: float) -> None:
    lengths = set()
    for study in range(20):
        rng = np.random.default_rng(study)
        draw = Correlated(0.2, (1, 1, 1, 2)).draw(rng, raced.LONGEST)
        found = draw.differences(raced.LONGEST) + 0.008
        over = raced.finished(found, rope, 0.25)
        results = {str(a): dict(enumerate(one, start=1)) for a, one in enumerate(found)}
        whole = race(results, RaceRule((2, 5, 10), rope), 0.25)
        assert list(whole.runners.values()) == over.runners
        wanted = [runner.repeats for runner in over.runners]
        assert over.trainings == sum(wanted) + max(wanted)
        lengths |= set(wanted)
    assert len(lengths) > 3


def test_same_seed_same_figures_whatever_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "CHUNK", 2)
    monkeypatch.setattr(simulate, "GENERATORS", GENERATORS[:2])
    assert simulate.simulate(5, 3, jobs=1) == simulate.simulate(5, 3, jobs=2)
    assert simulate.simulate(5, 3) != simulate.simulate(5, 4)


def test_a_standard_error_is_that_of_studies() -> None:
    values = np.random.default_rng(0).normal(size=100)
    halves = [values[:40], values[40:]]
    sums = [{"x": (float(half.sum()), float(half @ half))} for half in halves]
    mean, error = simulate._summary(sums, 100)["x"]
    assert mean == pytest.approx(values.mean(), rel=1e-5)
    assert error == pytest.approx(values.std(ddof=1) / 10, rel=1e-5)


def test_a_difference_far_above_the_noise_is_seen_by_all() -> None:
    draw = Correlated(0.2).draw(np.random.default_rng(0), raced.LONGEST)
    truths = Truths(dict.fromkeys(simulate.PLANS, np.full(3, 0.5)), 0.1)
    for repeats in simulate.PLANS:
        values = measured(draw, 0.25, repeats, truths)
        assert values["power_all"] == values["power_one"] == 1
        assert set(values) >= {"false", "naive", "coverage", "edge", "wide"}
    assert raced.measured(draw, 0.25, truths)["twice"]["power"] == 1
