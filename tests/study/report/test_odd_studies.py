"""Studies from which little can be concluded: a sentence in place of each number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from storage.rows import Fingerprints
from tests.study.recorded import MADE_OF
from tests.study.report.studied import ARMS, EACH, FOLDS, IDS, Studied, declared, noisy
from tests.study.report.test_conclusion import Found, Report, confirm, of, report, search

__all__ = ["report"]

NUMBERS = ("ci95", "p_corrected", "p_holm", "p_worse", "p_equivalent", "p_better", "reachable")


def nothing_of(contrast: Found) -> bool:
    return all(contrast[name] is None for name in NUMBERS) and contrast["verdict"] == "undecided"


def test_one_trial(report: Report) -> None:
    found = report(lambda study: search(study, ("fixed",)))
    assert nothing_of(of(found, "direct", "declared"))
    assert of(found, "direct", "declared")["note"] == "no complete trial of direct in this view"
    assert found["detectable_difference"] is None
    assert "no other arm to compare it with yet" in found["headline"]


def test_identical_scores_have_no_p(report: Report) -> None:
    def write(study: Studied) -> None:
        for arm in ARMS:
            study.add(declared(arm), [0.7, 0.72, 0.71], errors=0.0)

    found = report(write)
    contrast = of(found, "direct", "declared")
    assert nothing_of(contrast)
    assert contrast["difference"] == 0
    assert "identical" in contrast["note"]
    assert nothing_of(of(found, "direct", "best_of_arm"))


def test_a_score_that_is_not_a_number(report: Report) -> None:
    def write(study: Studied) -> None:
        search(study, ("fixed", "uncertainty"))
        study.add(declared("direct"), [0.7, None, 0.7])

    found = report(write)
    contrast = of(found, "direct", "declared")
    assert nothing_of(contrast)
    assert "the score of fold 1 is not a number" in contrast["note"]
    assert of(found, "uncertainty", "declared")["p_holm"] is not None


def test_too_few_folds(report: Report) -> None:
    def write(study: Studied) -> None:
        search(study, ("fixed", "uncertainty"))
        study.add(declared("direct"), [0.7, 0.71])

    contrast = of(report(write), "direct", "declared")
    assert nothing_of(contrast)
    assert f"expected scores of {FOLDS} folds, found 2" in contrast["note"]


@pytest.mark.parametrize(
    ("made_of", "what"),
    [
        (replace(MADE_OF, data="other"), "data"),
        (replace(MADE_OF, config="other"), "settings"),
        (replace(MADE_OF, code="other"), "code"),
    ],
)
def test_trials_made_otherwise_are_refused(
    report: Report, made_of: Fingerprints, what: str
) -> None:
    def write(study: Studied) -> None:
        search(study, ("fixed", "uncertainty"))
        other = replace(study, made_of=made_of)
        other.add(declared("direct"), noisy(declared("direct")))

    contrast = of(report(write), "direct", "declared")
    assert nothing_of(contrast)
    assert f"trained with other {what} than the rest: not comparable" in contrast["note"]


def test_trials_on_other_folds_are_refused(report: Report) -> None:
    def write(study: Studied) -> None:
        search(study, ("fixed", "uncertainty"))
        other = replace(study, folds_of=lambda _: np.arange(len(IDS)) // EACH % FOLDS)
        other.add(declared("direct"), noisy(declared("direct")))

    contrast = of(report(write), "direct", "declared")
    assert nothing_of(contrast)
    assert "tested on other folds" in contrast["note"]


def test_without_true_labels_tests_stand_and_resampling_is_missing(report: Report) -> None:
    found = report(confirm, truth=False)
    assert of(found, "direct", "confirmed")["p_holm"] is not None
    contrast = of(found, "direct", "best_of_arm")
    assert nothing_of(contrast)
    assert "not stored" in contrast["note"]
    assert any("true labels are not stored" in limit for limit in found["limits"])
