"""What is to be trained after what results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.data.folds import SPLITS
from study.config import RunOptions, StudyConfig
from study.known import Known, Results
from study.plan import Cell, plan
from study.stages import Stages, best_of_arms

CONFIG = StudyConfig.model_validate({"folds": 3, "arms": ("fixed", "uncertainty", "direct")})
PLAN = plan(CONFIG)
SEARCH = PLAN[:9]
BASELINE = PLAN[0]
SIZES = (10, 10, 10)


def stages(config: StudyConfig = CONFIG, n_trials: int = len(SEARCH), **options: object) -> Stages:
    given = {"n_trials": n_trials} | options
    return Stages(config, RunOptions.model_validate(given))


def complete(value: float) -> Known:
    return Known("complete", value, (value,) * 3, SIZES)


def searched(values: Sequence[float] = (0.5,) * 9) -> dict[str, Known]:
    """Results of the whole search."""
    return {cell.hash: complete(v) for cell, v in zip(SEARCH, values, strict=True)}


def confirming(asked: Stages, results: Results) -> list[Cell]:
    return [cell for cell in asked.cells(results) if cell.repeat]


def first_of(arm: str) -> Cell:
    return next(cell for cell in SEARCH if cell.arm == arm)


def test_without_confirmation_there_is_the_search_alone() -> None:
    asked = stages()
    assert asked.cells({}) == asked.cells(searched()) == SEARCH
    assert asked.most_later == 0


def test_repeats_of_the_baseline_are_known_before_any_result() -> None:
    repeats = tuple(replace(BASELINE, repeat=r) for r in (1, 2))
    assert stages(confirm=2).cells({}) == (*SEARCH, *repeats)


@pytest.mark.parametrize("missing", range(len(SEARCH)))
def test_no_arm_has_a_finalist_before_the_whole_search_is_finished(missing: int) -> None:
    results = searched()
    del results[SEARCH[missing].hash]
    assert {cell.arm for cell in confirming(stages(confirm=2), results)} == {"fixed"}
    assert len(confirming(stages(confirm=2), results)) == 2


def test_the_best_cell_of_each_arm_and_the_baseline_are_confirmed() -> None:
    fixed = [i for i, cell in enumerate(SEARCH) if cell.arm == "fixed"]
    values = [0.5] * 9
    values[fixed[1]] = 0.9
    found = confirming(stages(confirm=2), searched(values))
    finalists = [BASELINE, SEARCH[fixed[1]], first_of("uncertainty"), first_of("direct")]
    assert found == [replace(cell, repeat=r) for r in (1, 2) for cell in finalists]


def test_a_baseline_that_is_best_is_confirmed_once() -> None:
    found = confirming(stages(confirm=1), searched())
    assert [cell.arm for cell in found] == ["fixed", "uncertainty", "direct"]


def test_of_equals_the_first_in_the_plan_is_taken() -> None:
    best = best_of_arms(SEARCH, searched())
    assert best == {arm: first_of(arm) for arm in CONFIG.arms}


@pytest.mark.parametrize("state", ["failed", "pruned"])
def test_trials_without_an_end_are_never_finalists(state: str) -> None:
    results = searched()
    results[first_of("direct").hash] = Known(state, 0.99)
    best = best_of_arms(SEARCH, results)
    assert best["direct"] == [cell for cell in SEARCH if cell.arm == "direct"][1]


def test_an_arm_without_a_complete_trial_has_no_finalist() -> None:
    results = searched() | {c.hash: Known("failed") for c in SEARCH if c.arm == "direct"}
    assert {c.arm for c in confirming(stages(confirm=1), results)} == {"fixed", "uncertainty"}


def test_a_study_without_the_fixed_arm_confirms_what_it_has() -> None:
    config = StudyConfig.model_validate({"arms": ("direct", "uncertainty")})
    asked = stages(config, 4, confirm=2)
    cells = plan(config)[:4]
    assert asked.cells({}) == cells
    results = {cell.hash: complete(0.5) for cell in cells}
    assert [cell.repeat for cell in confirming(asked, results)] == [1, 1, 2, 2]


@given(st.lists(st.floats(0, 1), min_size=9, max_size=9), st.randoms())
def test_the_order_of_results_does_not_matter(values: list[float], random: Random) -> None:
    results = searched(values)
    turned = dict(sorted(results.items(), key=lambda _: random.random()))
    asked = stages(confirm=3)
    assert asked.cells(results) == asked.cells(turned)
    assert len(asked.cells(results)) <= len(SEARCH) + asked.most_later


def test_cells_are_named_once_and_never_taken_back() -> None:
    asked = stages(confirm=3, reruns=2)
    before = asked.cells({})
    cells = asked.cells(searched())
    assert len(set(cells)) == len(cells)
    assert set(before) <= set(cells)


def test_reruns_have_splits_of_the_confirmation() -> None:
    found = confirming(stages(confirm=2, reruns=3), searched())
    repeats = list(dict.fromkeys(cell.repeat for cell in found))
    assert repeats == [1, 2, 1001, 1002, 2001]
    assert {r % SPLITS for r in repeats} == {1, 2}


def settled(
    asked: Stages, differences: Mapping[str, float], noise: float
) -> list[tuple[Cell, ...]]:
    """Stages after one another, with arms that differ from the fixed one as told."""
    results = searched()
    found = [asked.cells(results)]
    for _ in range(10):
        for cell in found[-1]:
            if cell.hash not in results:
                rng = np.random.default_rng(int(cell.hash, 16))
                scores = 0.5 + differences.get(cell.arm, 0.0) + noise * rng.standard_normal(3)
                results[cell.hash] = Known("complete", 0.5, tuple(scores.tolist()), SIZES)
        found.append(asked.cells(results))
        if found[-1] == found[-2]:
            return found
    raise AssertionError("no end")


def test_a_race_begins_with_its_first_look() -> None:
    found = confirming(stages(until_decided=True), searched())
    assert {cell.repeat for cell in found} == {1, 2}


def test_a_race_drops_what_is_decided_and_goes_on_with_the_rest() -> None:
    asked = stages(until_decided=True)
    found = settled(asked, {"uncertainty": 0.3, "direct": 0.01}, 0.004)
    later = [cell for cell in found[-1] if cell.repeat > 2]
    assert {cell.arm for cell in later} == {"fixed", "direct"}
    assert max(cell.repeat for cell in later) == 10
    assert all(set(a) <= set(b) for a, b in pairwise(found))
    assert len(found[-1]) <= len(SEARCH) + asked.most_later


def test_a_race_of_which_all_is_decided_ends_at_its_first_look() -> None:
    found = settled(stages(until_decided=True), {"uncertainty": 0.3, "direct": -0.3}, 0.01)
    assert {cell.repeat for cell in found[-1]} == {0, 1, 2}


def test_a_race_without_differences_in_the_scores_ends() -> None:
    found = settled(stages(until_decided=True), {}, 0.0)
    assert max(cell.repeat for cell in found[-1]) == 2


def test_a_noisier_arm_of_a_race_gets_more_repeats() -> None:
    asked = stages(until_decided=True, confirm=4)
    results = searched()
    folds = {
        "fixed": (0.5, 0.5, 0.5),
        "uncertainty": (0.506, 0.51, 0.514),
        "direct": (0.508, 0.52, 0.532),
    }
    for cell in asked.cells(results):
        results.setdefault(cell.hash, Known("complete", 0.5, folds[cell.arm], SIZES))
    found = confirming(asked, results)
    most = {arm: max(c.repeat for c in found if c.arm == arm) for arm in CONFIG.arms}
    assert most["fixed"] == most["direct"] == 7
    assert most["uncertainty"] == 2


def test_a_race_survives_failed_repeats_and_unknown_sizes() -> None:
    asked = stages(until_decided=True)
    results = searched()
    for cell in asked.cells(results):
        if cell.repeat:
            results[cell.hash] = (
                Known("failed")
                if cell.arm == "direct"
                else Known("complete", 0.5, (0.5, 0.6, 0.4), (0, 0, 0))
            )
    assert set(asked.cells(results)) >= set(SEARCH)


def test_without_a_learned_arm_there_is_no_race() -> None:
    config = StudyConfig.model_validate({"arms": ("fixed", "equal")})
    asked = stages(config, 3, until_decided=True)
    cells = plan(config)[:3]
    results = {cell.hash: complete(0.5) for cell in cells}
    results |= {cell.hash: complete(0.5) for cell in asked.cells(results)}
    assert max(cell.repeat for cell in asked.cells(results)) == 2
