"""Arithmetic of the judgement, on records whose answer is known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, kstest, ttest_1samp

from benchmarks.real_verdict.judged import (
    MUST_LOSE,
    accepted,
    distance_from_uniform,
    faults,
    judged,
    rejected_if_independent,
    seen,
    together,
)
from study.verdict.correlated import corrected_t

SIZES = [[100, 100, 100], [90, 100, 110]]


def record(differences: list[float], low: float = -1.0, high: float = 1.0) -> dict[str, Any]:
    """Two repeats of three folds."""
    arm = 0.5 + np.array(differences).reshape(2, 3)
    against = np.full((2, 3), 0.5)
    pooled = {"difference": 0.0, "low": low, "high": high}
    scores = {"arm": arm.tolist(), "against": against.tolist()}
    return scores | {"test_sizes": SIZES, "pooled": pooled}


def results(**comparisons: dict[str, Any]) -> dict[str, Any]:
    return {"comparisons": {name.replace("_", "/", 1): of for name, of in comparisons.items()}}


NOISE = [0.01, -0.02, 0.015, -0.005, 0.02, -0.015]
LOST = [-0.3, -0.28, -0.31, -0.27, -0.29, -0.3]


@given(st.integers(1, 200), st.floats(0.01, 0.5))
def test_no_more_than_a_fortieth_lies_on_either_side(count: int, rate: float) -> None:
    low, high = accepted(count, rate)
    assert binom.cdf(low - 1, count, rate) <= 0.025 + 1e-12
    assert binom.sf(high, count, rate) <= 0.025 + 1e-12
    assert binom.cdf(low, count, rate) > 0.025 - 1e-12
    assert high == 0 or binom.sf(high - 1, count, rate) > 0.025 - 1e-12


def test_limits_of_24_pairs() -> None:
    assert accepted(24) == (0, 4)
    assert seen(24, 0.25) == pytest.approx(binom.sf(4, 24, 0.25))
    assert seen(24, 0.05) <= 0.025


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_scipy_finds_the_same_distance(p: list[float]) -> None:
    assert distance_from_uniform(p) == pytest.approx(kstest(p, "uniform").statistic, abs=1e-12)


def test_the_correction_widens_by_the_real_fold_sizes() -> None:
    of = judged(record(NOISE))
    ratio = (4 * 100 / 200 + 90 / 210 + 110 / 190) / 6
    assert of.test_train == pytest.approx(ratio)
    plain = ttest_1samp(NOISE, 0)
    assert of.p_naive == pytest.approx(plain.pvalue)
    half = plain.confidence_interval().high - np.mean(NOISE)
    widened = half * np.sqrt((1 / 6 + ratio) / (1 / 6))
    assert (of.low, of.high) == pytest.approx((np.mean(NOISE) - widened, np.mean(NOISE) + widened))
    assert of.verdict == "undecided"


def test_independent_differences_are_rejected_as_often_as_said() -> None:
    drawn = np.random.default_rng(0).standard_normal((4000, 6))
    p = [corrected_t(row, 0.1).p_two_sided() for row in drawn]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(rejected_if_independent(6, 0.1), abs=0.006)
    assert rejected_if_independent(6, 0.0) == pytest.approx(0.05)


def test_a_large_loss_is_worse() -> None:
    assert judged(record(LOST)).verdict == "worse"


def test_pairs_are_summed_up() -> None:
    pairs = [judged(record(NOISE)), judged(record(LOST, -0.4, -0.2))]
    of = together(pairs)
    assert (of.count, of.rejected, of.rejected_naive, of.people_cover) == (2, 1, 1, 1)
    assert of.verdicts == {"undecided": 1, "worse": 1}
    assert of.fold_sd == pytest.approx(np.sqrt(np.mean(np.square(NOISE + LOST))))
    assert of.assumed == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_the_correlation_is_found_again(correlation: float) -> None:
    rng = np.random.default_rng(0)
    shared = np.sqrt(correlation) * rng.standard_normal((3000, 1))
    own = np.sqrt(1 - correlation) * rng.standard_normal((3000, 6))
    of = together([judged(record(row.tolist())) for row in shared + own])
    assert of.correlation == pytest.approx(correlation, abs=0.03)
    assert of.fold_sd == pytest.approx(1, abs=0.03)
    assert of.rerun_sd == pytest.approx(of.fold_sd / np.sqrt(2))


def test_what_misses_is_named() -> None:
    assert faults(results(aa_0=record(NOISE), known_heads_off=record(LOST))) == []
    pairs = {f"aa_{i}": record(LOST) for i in range(5)}
    wrong = faults(results(**pairs, known_heads_off=record(NOISE)))
    assert wrong == [
        "aa: 5 of 5 pairs rejected, at most 1 may be",
        f'{MUST_LOSE}: the verdict must be "worse", found "undecided"',
    ]
