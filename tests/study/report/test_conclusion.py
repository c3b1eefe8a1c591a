"""From rows in a database to contrasts, their verdicts and one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from study.report.__main__ import FORMATS, main
from study.stopping import Stopping
from study.verdict.correlated import corrected_t, plain_t
from study.verdict.holm import holm
from study.verdict.power import detectable
from tests.study.report.studied import ARMS, FOLDS, IDS, Studied, declared, noisy, recorded

SHIFTS = {"fixed": 0.0, "uncertainty": -0.06, "direct": 0.0005, "equal": -0.03}
MOVED = {"weight_multiclass": 0.9, "weight_binary": 0.1}

Found = dict[str, Any]
"""The document of --format json, or a part of it."""


class Report(Protocol):
    """Writes a study, shows it in every format, and returns the JSON one."""

    def __call__(
        self, write: Callable[[Studied], None], *flags: str, truth: bool = True
    ) -> Found: ...


@pytest.fixture
def report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    def run(write: Callable[[Studied], None], *flags: str, truth: bool = True) -> Found:
        url = recorded(tmp_path, write, truth=truth)
        for form in FORMATS:
            assert main(["--storage", url, "--format", form, *flags]) == 0, form
            said = capsys.readouterr().out
            assert "nan" not in said.lower()
        assert main(["--storage", url, "--format", "json", *flags]) == 0
        found: Found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        return found

    return run


def search(study: Studied, arms: tuple[str, ...] = ARMS) -> None:
    for arm in arms:
        study.add(declared(arm), noisy(declared(arm), SHIFTS[arm]), MOVED)


def confirm(study: Studied, repeats: int = 4, arms: tuple[str, ...] = ARMS) -> None:
    search(study, arms)
    for repeat in range(1, repeats + 1):
        for arm in arms:
            cell = declared(arm, repeat)
            study.add(cell, noisy(cell, SHIFTS[arm]), MOVED)


def of(
    found: Found, arm: str, view: str, scope: str = "population", against: str = "fixed"
) -> Found:
    contrast: Found
    (contrast,) = [
        c
        for c in found["contrasts"]
        if (c["arm"], c["view"], c["scope"], c["against"]) == (arm, view, scope, against)
    ]
    return contrast


def ratio(repeats: range) -> float:
    """n_test / n_train of the recorded folds."""
    ratios = []
    for repeat in repeats:
        subjects = np.random.default_rng(repeat).permutation(12) % FOLDS
        sizes = np.bincount(subjects) * len(IDS) / 12
        ratios.append(np.mean(sizes / (len(IDS) - sizes)))
    return float(np.mean(ratios))


def test_confirmed_contrasts_are_corrected_t_of_paired_repeats(report: Report) -> None:
    found = report(confirm)
    differences = {
        arm: np.array(
            [
                np.array(noisy(declared(arm, r), SHIFTS[arm])) - noisy(declared("fixed", r))
                for r in range(1, 5)
            ]
        )
        for arm in ("uncertainty", "direct")
    }
    tests = {arm: corrected_t(d, ratio(range(1, 5))) for arm, d in differences.items()}
    adjusted = holm([test.p_two_sided() for test in tests.values()])
    for (arm, test), p in zip(tests.items(), adjusted, strict=True):
        contrast = of(found, arm, "confirmed")
        assert contrast["primary"] is True
        assert contrast["repeats"] == 4
        assert contrast["difference"] == pytest.approx(test.difference)
        assert contrast["ci95"] == pytest.approx(test.interval())
        assert contrast["p_corrected"] == pytest.approx(test.p_two_sided())
        assert contrast["p_holm"] == pytest.approx(p)
        chances = [contrast[f"p_{name}"] for name in ("worse", "equivalent", "better")]
        assert chances == pytest.approx(list(test.probabilities(0.005)))
        narrow = of(found, arm, "confirmed", "these_subjects")
        assert narrow["ci95"] == pytest.approx(plain_t(differences[arm].mean(1)).interval())
        assert narrow["primary"] is False
    assert found["primary_view"] == "confirmed"
    assert found["family"] == ["uncertainty", "direct"]


def test_headline_says_what_the_primary_contrasts_say(report: Report) -> None:
    found = report(confirm)
    assert of(found, "uncertainty", "confirmed")["verdict"] == "worse"
    headline = found["headline"]
    assert headline.startswith("Uncertainty is worse than the tuned grid: -.0")
    assert "no difference shown between direct (" in headline
    assert "on 4 fresh repeats" in headline
    seen = f"{found['detectable_difference']:.4f}".replace("0.", ".", 1)
    assert f"this study could have seen {seen}" in headline
    largest = max(c["detectable"] for c in found["contrasts"] if c["primary"])
    assert found["detectable_difference"] == pytest.approx(largest)


def test_controls_are_tested_in_a_family_of_their_own(report: Report) -> None:
    control = of(report(confirm), "equal", "confirmed")
    assert control["primary"] is False
    assert control["p_holm"] == control["p_corrected"]


def test_without_repeats_the_declared_cells_are_primary(report: Report) -> None:
    found = report(search)
    assert found["primary_view"] == "declared"
    assert {c["view"] for c in found["contrasts"] if c["primary"]} == {"declared"}
    assert of(found, "direct", "declared")["repeats"] == 1
    assert not [c for c in found["contrasts"] if c["view"] == "confirmed"]
    assert any("--confirm" in limit for limit in found["limits"])


def test_other_views_rest_on_subjects_and_have_no_t(report: Report) -> None:
    found = report(search)
    for view in ("equal_budget", "best_of_arm"):
        contrast = of(found, "uncertainty", view)
        assert contrast["p_corrected"] is None
        low, high = contrast["ci95"]
        assert low < high
    assert of(found, "uncertainty", "equal_budget")["budget"] == 1
    scores = [np.mean(noisy(declared(a), SHIFTS[a])) for a in ("uncertainty", "fixed")]
    difference = of(found, "uncertainty", "equal_budget")["difference"]
    assert difference == pytest.approx(scores[0] - scores[1])
    assert set(of(found, "direct", "declared")["subjects"]) == {"score", "binary_f1", "macro_f1"}
    assert found["subjects"] == 12


def test_best_of_many_trials_is_expected_best_of_the_smaller_budget(report: Report) -> None:
    others = [
        replace(declared("fixed"), params={**declared("fixed").params, "alpha": a})
        for a in (0.3, 0.7)
    ]

    def write(study: Studied) -> None:
        search(study)
        for cell in others:
            study.add(cell, noisy(cell))

    found = report(write)
    fixed = [np.mean(noisy(cell)) for cell in (declared("fixed"), *others)]
    contrast = of(found, "direct", "equal_budget")
    assert contrast["difference"] == pytest.approx(
        np.mean(noisy(declared("direct"), SHIFTS["direct"])) - np.mean(fixed)
    )
    assert found["arms"][0]["expected_best"][-1] == pytest.approx(max(fixed))


def test_repeats_do_not_count_as_trials_of_the_search(report: Report) -> None:
    fixed = report(confirm)["arms"][0]
    assert (fixed["trials"], fixed["confirmed_repeats"]) == (1, 4)
    assert fixed["mean"] == pytest.approx(np.mean(noisy(declared("fixed"))))
    means = [np.mean(noisy(declared("fixed", repeat))) for repeat in range(1, 5)]
    assert fixed["confirmed"] == pytest.approx(np.mean(means))


def test_reruns_tell_seed_noise_from_split_noise_and_are_no_repeats(report: Report) -> None:
    def write(study: Studied) -> None:
        confirm(study, repeats=3)
        for arm in ARMS:
            cell = declared(arm, 1001)
            study.add(cell, noisy(cell, SHIFTS[arm]), MOVED)

    found = report(write)
    assert of(found, "direct", "confirmed")["repeats"] == 3
    noise = {n["arm"]: n for n in found["noise"]}["direct"]
    reruns = np.array(
        [
            np.array(noisy(declared("direct", r), SHIFTS["direct"])) - noisy(declared("fixed", r))
            for r in (1, 1001)
        ]
    )
    assert noise["seed_sd"] == pytest.approx(np.sqrt(reruns.var(0, ddof=1).mean()))
    assert sum(noise["shares"].values()) == pytest.approx(1)


def test_weights_that_never_moved_are_named(report: Report) -> None:
    def write(study: Studied) -> None:
        for arm in ARMS:
            study.add(declared(arm), noisy(declared(arm)))

    found = report(write)
    assert "the weights of direct never moved" in of(found, "direct", "declared")["note"]
    assert "1 of 1 direct trials did not move" in found["headline"]


def test_the_rope_can_be_asked_for_and_then_is_said(report: Report) -> None:
    found = report(confirm, "--rope", "0.5", "--difference", "0.1")
    assert found["rope"] == 0.5
    assert of(found, "direct", "confirmed")["verdict"] == "equivalent"
    assert found["power"]["wanted"] == 0.1
    assert any("was set to 0.5" in limit for limit in found["limits"])


def test_a_race_ends_where_its_rule_says(report: Report) -> None:
    def write(study: Studied) -> None:
        study.stop_by(Stopping((2, 4), 0.005, races=True))
        confirm(study, repeats=4)

    found = report(write)
    contrast = of(found, "uncertainty", "confirmed")
    assert (contrast["verdict"], contrast["look"]) == ("worse", 1)
    assert contrast["repeats"] == 2, "what came after the decision does not count"
    assert contrast["p_holm"] >= 2 * contrast["p_corrected"]
    assert found["power"]["level"] == pytest.approx(0.05 / 2 / 2), "two arms, two looks"
    differences = [
        np.array(noisy(declared("uncertainty", r), SHIFTS["uncertainty"]))
        - noisy(declared("fixed", r))
        for r in (1, 2)
    ]
    test = corrected_t(np.array(differences), ratio(range(1, 3)))
    least = detectable(test.sd, test.n, test.test_train, 0.05 / 2 / 2)
    assert contrast["detectable"] == pytest.approx(least)
    assert any("looks at 2, 4 repeats" in limit for limit in found["limits"])


def test_raising_the_number_of_repeats_is_told(report: Report) -> None:
    def write(study: Studied) -> None:
        study.stop_by(Stopping((2,), 0.005, races=False))
        confirm(study, repeats=4)

    assert any("raised from 2 to 4" in limit for limit in report(write)["limits"])


def test_an_arm_that_could_not_race_has_a_sentence(report: Report) -> None:
    def write(study: Studied) -> None:
        study.stop_by(Stopping((2, 4), 0.005, races=True))
        confirm(study, repeats=4, arms=("fixed", "uncertainty"))

    found = report(write)
    contrast = of(found, "direct", "confirmed")
    assert (contrast["primary"], contrast["difference"], contrast["p_holm"]) == (True, None, None)
    assert contrast["note"] == "no complete trial of direct in this view"
    assert "not compared: direct" in found["headline"]
