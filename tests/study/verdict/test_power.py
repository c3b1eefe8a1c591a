"""What a study could have seen, and what more of it would buy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.verdict.correlated import CorrelatedT, corrected_t
from study.verdict.power import (
    chance_of_decision,
    detectable,
    detectable_at_best,
    equivalence_repeats,
    least_rope,
    repeats_needed,
    subjects_factor,
    unbiased_factor,
)

FOLDS, Q, ALPHA, SD = 5, 0.25, 0.05 / 3, 0.01

sds = st.floats(0.001, 0.05)
levels = st.floats(0.001, 0.1)


def studies(seed: int, count: int, n: int) -> NDArray[np.float64]:
    """[count, n] differences without effect, n_test/n_total correlated; SD within a study SD."""
    rng = np.random.default_rng(seed)
    shared = math.sqrt(Q) * rng.standard_normal((count, 1))
    return SD * (shared + rng.standard_normal((count, n)))


def finds(differences: NDArray[np.float64], effect: float) -> bool:
    test = corrected_t(differences + effect, Q)
    return test.difference > 0 and test.p_two_sided() < ALPHA


@pytest.mark.parametrize("n", [5, 25])
def test_power_is_at_least_what_was_stated(n: int) -> None:
    """80% at the mean of what studies state, and more at what each states of itself."""
    rows = studies(n, 4000, n)
    stated = [detectable(float(row.std(ddof=1)), n, Q, ALPHA) for row in rows]
    at_mean = np.mean([finds(row, float(np.mean(stated))) for row in rows])
    at_own = np.mean([finds(row, own) for row, own in zip(rows, stated, strict=True)])
    assert at_mean == pytest.approx(0.8, abs=0.022)  # 3.5 standard errors
    assert at_own > 0.8


def test_power_of_a_known_sd_is_exact() -> None:
    effect = detectable(SD * unbiased_factor(4), 5, Q, ALPHA, power=0.6)
    assert np.mean([finds(row, effect) for row in studies(1, 4000, 5)]) == pytest.approx(
        0.6, abs=0.027
    )


def test_unbiased_factor_is_that_of_quality_control_tables() -> None:
    assert [unbiased_factor(n - 1) for n in (2, 5, 10, 25)] == pytest.approx(
        [0.7979, 0.9400, 0.9727, 0.9896], abs=5e-5
    )
    assert unbiased_factor(10_000) == pytest.approx(1, abs=1e-4)


@given(sds, levels, st.floats(0.01, 1))
def test_repeats_lower_what_can_be_seen_down_to_a_limit(sd: float, alpha: float, q: float) -> None:
    seen = [detectable(sd, FOLDS * repeats, q, alpha) for repeats in (1, 2, 5, 50, 1000)]
    assert seen == sorted(seen, reverse=True)
    limit = detectable_at_best(sd, q, alpha)
    assert limit < seen[-1] < limit * (1 + 0.02 / q)


@given(sds, st.floats(0.005, 0.1), levels)
def test_repeats_needed_are_the_first_that_suffice(sd: float, wanted: float, alpha: float) -> None:
    needed = repeats_needed(wanted, sd, FOLDS, Q, alpha)
    if needed is None:
        assert detectable(sd, FOLDS * 1000, Q, alpha) > wanted
        return
    assert detectable(sd, FOLDS * needed, Q, alpha) <= wanted
    assert needed == 1 or detectable(sd, FOLDS * (needed - 1), Q, alpha) > wanted


def test_beyond_the_limit_no_number_of_repeats_helps_but_subjects_do() -> None:
    limit = detectable_at_best(SD, Q, ALPHA)
    assert repeats_needed(0.99 * limit, SD, FOLDS, Q, ALPHA) is None
    assert repeats_needed(1.02 * limit, SD, FOLDS, Q, ALPHA) is not None
    assert repeats_needed(1.02 * limit, SD, FOLDS, Q, ALPHA, most=3) is None
    factor = subjects_factor(limit / 2, SD, Q, ALPHA)
    assert factor == pytest.approx(4)
    assert detectable_at_best(SD / math.sqrt(factor), Q, ALPHA) == pytest.approx(limit / 2)
    assert subjects_factor(2 * limit, SD, Q, ALPHA) == 1


def posterior(difference: float, sd: float, n: int) -> CorrelatedT:
    return CorrelatedT(difference, sd, n, sd * math.sqrt(1 / n + Q), n - 1, Q)


@given(sds, st.floats(0.001, 0.05), st.floats(-0.01, 0.01))
def test_equivalence_repeats_are_the_first_that_suffice(
    sd: float, rope: float, difference: float
) -> None:
    def mass(repeats: int) -> float:
        return posterior(difference, sd, FOLDS * repeats).probabilities(rope).equivalent

    needed = equivalence_repeats(rope, sd, FOLDS, Q, difference)
    if needed is None:
        assert mass(1000) < 0.95
    else:
        assert mass(needed) >= 0.95
        assert needed == 1 or mass(needed - 1) < 0.95


@given(st.floats(-0.05, 0.05), st.floats(1e-9, 0.05), st.floats(0.5, 0.99))
def test_least_rope_separates_what_repeats_can_show(
    difference: float, sd: float, mass: float
) -> None:
    rope = least_rope(difference, sd, Q, mass)
    limit = CorrelatedT(difference, sd, 10**9, sd * math.sqrt(Q), 10**9 - 1, Q)
    assert limit.probabilities(rope).equivalent == pytest.approx(mass, abs=1e-5)
    assert least_rope(-difference, sd, Q, mass) == rope >= abs(difference) - 1e-12


def test_least_rope_agrees_with_equivalence_repeats() -> None:
    rope = least_rope(0.002, SD, Q)
    assert equivalence_repeats(0.99 * rope, SD, FOLDS, Q, 0.002) is None
    assert equivalence_repeats(1.02 * rope, SD, FOLDS, Q, 0.002) is not None
    assert least_rope(0.002, SD, 0.0) == 0.002
    assert least_rope(0.0, SD, 0.0) == 0


@pytest.mark.parametrize(
    ("difference", "sd", "n", "rope"),
    [
        (0.0, 0.01, 5, 0.005),
        (0.012, 0.01, 5, 0.005),
        (0.003, 0.01, 25, 0.0105),
        (-0.008, 0.01, 25, 0.012),
        (0.001, 0.003, 10, 0.005),
        (0.0, 0.01, 5, 0.0),
    ],
)
def test_chance_of_decision_by_simulation(
    difference: float, sd: float, n: int, rope: float
) -> None:
    test = posterior(difference, sd, n)
    drawn = difference + sd / math.sqrt(n) * np.random.default_rng(0).standard_t(n - 1, 20_000)
    size = 10**9
    ends = [CorrelatedT(float(end), sd, size, sd * math.sqrt(Q), size, Q) for end in drawn]
    decided = [
        end.p_two_sided() < ALPHA or end.probabilities(rope).equivalent >= 0.95 for end in ends
    ]
    assert chance_of_decision(test, rope, ALPHA) == pytest.approx(np.mean(decided), abs=0.0125)


@given(st.floats(-0.1, 0.1), st.floats(1e-12, 0.1), st.integers(2, 100), st.floats(0, 0.02))
def test_chance_of_decision_is_a_probability_and_has_no_sign(
    difference: float, sd: float, n: int, rope: float
) -> None:
    chance = chance_of_decision(posterior(difference, sd, n), rope, ALPHA)
    assert 0 <= chance <= 1
    assert chance_of_decision(posterior(-difference, sd, n), rope, ALPHA) == pytest.approx(chance)


def test_repeats_decide_all_that_does_not_depend_on_the_subjects() -> None:
    test = CorrelatedT(0.001, SD, 5, SD / math.sqrt(5), 4, 0.0)
    assert chance_of_decision(test, 0.005, ALPHA) == pytest.approx(1)


def test_a_small_difference_after_many_repeats_is_out_of_reach() -> None:
    assert chance_of_decision(posterior(0.0, SD, 250), 0.005, ALPHA) < 1e-6
    assert chance_of_decision(posterior(0.03, SD, 250), 0.005, ALPHA) > 0.999
