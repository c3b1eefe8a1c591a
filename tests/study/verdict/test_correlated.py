"""The corrected resampled t, its posterior and its error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.verdict.correlated import corrected_t, plain_t
from study.verdict.correlated import test_train_ratio as train_ratio
from study.verdict.errors import NotFinite, NoVariance, TooFew, VerdictError

ROPE = 0.005
Q = 0.25
"""n_test/n_train of five folds."""

seeds = st.integers(0, 10_000)
sizes = st.integers(2, 60)


def sample(seed: int, n: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.003, 0.01, n)


def numbers(differences: NDArray[np.float64]) -> tuple[float, ...]:
    """All numbers of a test in one tuple, those of the difference first."""
    test = corrected_t(differences, Q)
    return (test.difference, *test.interval(), test.sd, test.se, test.p_two_sided())


@given(seeds, sizes)
def test_order_and_shape_do_not_matter(seed: int, n: int) -> None:
    values = sample(seed, 2 * n)
    mixed = np.random.default_rng(seed + 1).permutation(values).reshape(2, n)
    assert numbers(mixed) == pytest.approx(numbers(values), rel=1e-9)


@given(seeds, sizes, st.floats(-0.1, 0.1))
def test_a_shift_moves_the_interval_and_nothing_else(seed: int, n: int, shift: float) -> None:
    before, after = corrected_t(sample(seed, n), Q), corrected_t(sample(seed, n) + shift, Q)
    assert after.difference == pytest.approx(before.difference + shift, abs=1e-12)
    assert after.interval() == pytest.approx(np.add(before.interval(), shift), abs=1e-9)
    assert after.se == pytest.approx(before.se, rel=1e-9)


@given(seeds, sizes, st.floats(0.01, 100))
def test_a_scale_scales_all_but_p(seed: int, n: int, scale: float) -> None:
    *scaled, p = numbers(sample(seed, n) * scale)
    *plain, expected = numbers(sample(seed, n))
    assert scaled == pytest.approx([scale * value for value in plain], rel=1e-9)
    assert p == pytest.approx(expected, rel=1e-9)


@given(seeds, sizes)
def test_exchanging_the_arms_exchanges_better_and_worse(seed: int, n: int) -> None:
    test, turned = corrected_t(sample(seed, n), Q), corrected_t(-sample(seed, n), Q)
    assert turned.p_two_sided() == pytest.approx(test.p_two_sided())
    assert turned.interval() == pytest.approx([-end for end in reversed(test.interval())])
    assert turned.probabilities(ROPE) == pytest.approx(test.probabilities(ROPE)[::-1])


@given(seeds, sizes, st.floats(0, 0.05))
def test_probabilities_add_up_and_agree_with_p(seed: int, n: int, rope: float) -> None:
    test = corrected_t(sample(seed, n), Q)
    assert sum(test.probabilities(rope)) == pytest.approx(1)
    worse, equivalent, better = test.probabilities(0)
    assert equivalent == pytest.approx(0, abs=1e-12)
    assert 2 * min(worse, better) == pytest.approx(test.p_two_sided(), rel=1e-6)


@given(seeds, sizes, st.floats(0.001, 0.999))
def test_interval_leaves_out_zero_where_p_is_below_the_level(
    seed: int, n: int, level: float
) -> None:
    test = corrected_t(sample(seed, n), Q)
    low, high = test.interval(1 - level)
    if abs(test.p_two_sided() - level) > 1e-9:
        assert (low > 0 or high < 0) == (test.p_two_sided() < level)


@pytest.mark.parametrize(("folds", "repeats"), [(5, 1), (5, 10), (10, 3), (2, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_posterior_is_that_of_baycomp(folds: int, repeats: int, seed: int) -> None:
    from baycomp import two_on_single

    against = np.random.default_rng(seed).normal(0.7, 0.01, folds * repeats)
    arm = against + sample(seed + 10, folds * repeats)
    test = corrected_t(arm - against, train_ratio([20] * folds, 20 * folds))
    theirs = two_on_single(against, arm, rope=ROPE, runs=repeats)
    assert test.probabilities(ROPE) == pytest.approx(theirs, abs=1e-12)


def test_a_small_case_by_hand() -> None:
    """Differences 1, 2, 3 with q = 1/2: s = 1, se = sqrt(1/3 + 1/2), two degrees of freedom."""
    test = corrected_t([1, 2, 3], 0.5)
    se = math.sqrt(5 / 6)
    assert (test.difference, test.sd, test.n, test.df, test.test_train) == (2, 1, 3, 2, 0.5)
    assert test.se == pytest.approx(se)
    t = 2 / se
    assert test.p_two_sided() == pytest.approx(1 - t / math.sqrt(2 + t * t))  # closed for df = 2
    assert test.interval()[1] == pytest.approx(2 + 4.302652730 * se)


def test_repeat_means_get_students_t() -> None:
    test = plain_t([0.01, 0.02, 0.06])
    assert test.se == pytest.approx(test.sd / math.sqrt(3))
    assert test.test_train == 0


@given(st.floats(-1, 1), sizes)
def test_equal_differences_are_told_from_tiny_ones(value: float, n: int) -> None:
    noise = np.resize([1e-13, 0.0], n)
    with pytest.raises(NoVariance):
        corrected_t(value + noise, Q)
    assert corrected_t(value + 1e4 * noise, Q).sd > 0


def test_what_cannot_be_tested_says_why() -> None:
    def message(differences: list[float], kind: type[VerdictError]) -> str:
        with pytest.raises(kind) as caught:
            corrected_t(differences, Q)
        return str(caught.value)

    assert message([0, 0, 0], NoVariance) == "identical scores on every fold: nothing to test"
    assert "difference of +0.01 on every fold" in message([0.01] * 3, NoVariance)
    assert message([0.1], TooFew) == "too few differences: needs at least 2, found 1"
    assert message([], TooFew).endswith("found 0")
    assert message([0.1, math.nan, math.inf], NotFinite).startswith("2 of 3 differences are NaN")
    assert issubclass(NotFinite, ValueError)


def test_ratio_comes_from_the_real_folds() -> None:
    assert train_ratio([20] * 5, 100) == pytest.approx(1 / 4)
    assert train_ratio([10, 30], 100) == pytest.approx((10 / 90 + 30 / 70) / 2)
    with pytest.raises(TooFew, match="too few folds"):
        train_ratio([], 100)
    with pytest.raises(TooFew, match="training rows in a fold: needs at least 1, found 0"):
        train_ratio([100], 100)


def correlated(seed: int, studies: int, n: int, rho: float) -> NDArray[np.float64]:
    """[studies, n] differences with mean 0, SD .01 and correlation rho."""
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((studies, 1)), rng.standard_normal((studies, n))
    return 0.01 * (math.sqrt(rho) * shared + math.sqrt(1 - rho) * own)


@pytest.mark.parametrize(("n", "expected"), [(5, 0.138), (25, 0.451)])
def test_error_rate_holds_at_the_assumed_correlation(n: int, expected: float) -> None:
    """At rho = n_test/n_total the test is exact. The plain t, whose t is too large by
    sqrt(1 + n q), is not.
    """
    studies = 4000
    differences = correlated(n, studies, n, Q / (1 + Q))
    false = sum(corrected_t(row, Q).p_two_sided() < 0.05 for row in differences) / studies
    naive = sum(plain_t(row).p_two_sided() < 0.05 for row in differences) / studies
    assert false == pytest.approx(0.05, abs=0.012)  # 3.5 standard errors
    assert naive == pytest.approx(expected, abs=0.028)


def test_intervals_cover_as_often_as_they_say() -> None:
    intervals = [corrected_t(row, Q).interval(0.8) for row in correlated(3, 2000, 5, Q / (1 + Q))]
    covered = sum(low <= 0 <= high for low, high in intervals) / 2000
    assert covered == pytest.approx(0.8, abs=0.032)
