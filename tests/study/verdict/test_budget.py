"""Expected best of a budget of trials."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.verdict.budget import best_weights, expected_best, expected_best_curve
from study.verdict.errors import NotFinite, TooFew

scores_of_an_arm = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(scores_of_an_arm, st.data())
def test_it_is_the_mean_of_the_best_over_all_draws(
    scores: list[float], data: st.DataObject
) -> None:
    budget = data.draw(st.integers(1, len(scores)))
    draws = [max(draw) for draw in combinations(scores, budget)]
    assert expected_best(scores, budget) == pytest.approx(math.fsum(draws) / len(draws), abs=1e-12)


@given(scores_of_an_arm, st.floats(-3, 3), st.floats(0.1, 10))
def test_curve_rises_from_mean_to_maximum_and_follows_shift_and_scale(
    scores: list[float], shift: float, scale: float
) -> None:
    curve = expected_best_curve(scores)
    assert curve[0] == pytest.approx(np.mean(scores), abs=1e-12)
    assert curve[-1] == pytest.approx(max(scores), abs=1e-12)
    assert (np.diff(curve) >= -1e-12).all()
    moved = expected_best_curve(scale * np.array(scores) + shift)
    assert moved == pytest.approx(scale * curve + shift, abs=1e-9)


@given(scores_of_an_arm, st.integers(0, 1000))
def test_order_does_not_matter(scores: list[float], seed: int) -> None:
    mixed = np.random.default_rng(seed).permutation(scores)
    assert (expected_best_curve(mixed) == expected_best_curve(scores)).all()


def test_it_is_unbiased_where_drawing_with_replacement_is_not() -> None:
    """The best of 5 uniform scores is 5/6 in expectation; 8 trials estimate it."""
    trials = np.random.default_rng(0).random((4000, 8))
    unbiased = np.mean([expected_best(row, 5) for row in trials])
    steps = np.arange(9) / 8
    biased = np.mean(np.sort(trials) @ np.diff(steps**5))
    assert unbiased == pytest.approx(5 / 6, abs=0.005)
    assert biased < 5 / 6 - 0.02


@pytest.mark.parametrize("budget", [1, 2, 500, 999, 1000])
def test_weights_of_a_thousand_are_exact(budget: int) -> None:
    exact = [math.comb(i, budget - 1) / math.comb(1000, budget) for i in range(1000)]
    weights = best_weights(1000, budget)
    assert weights == pytest.approx(exact, rel=1e-11)
    assert weights.sum() == pytest.approx(1, abs=1e-12)


def test_bad_input_is_told() -> None:
    with pytest.raises(TooFew, match="trials for this budget: needs at least 4, found 3"):
        expected_best([0.1, 0.2, 0.3], 4)
    with pytest.raises(TooFew, match="trials in the budget"):
        expected_best([0.1], 0)
    with pytest.raises(TooFew, match="too few trials: needs at least 1, found 0"):
        expected_best_curve([])
    with pytest.raises(NotFinite, match="1 of 2 scores"):
        expected_best_curve([0.1, math.nan])
