"""Draws of whole subjects, shared by all arms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from study.verdict.bootstrap import draws, interval, over_repeats, resampled
from study.verdict.errors import TooFew
from study.verdict.score import scores

OTHER = 1


def counts_of(subjects: int, seed: int = 0) -> NDArray[np.int64]:
    found = np.random.default_rng(seed).integers(0, 6, (subjects, 3, 3))
    found[:, range(3), range(3)] += 5
    return found


def test_draws_are_whole_samples_and_repeatable() -> None:
    found = draws(subjects=12, count=4000, seed=3)
    assert found.shape == (4000, 12)
    assert (found.sum(1) == 12).all()
    np.testing.assert_array_equal(found, draws(12, 4000, 3))
    assert (found != draws(12, 4000, 4)).any()
    # Each multiplicity is binomial: 12 tries of 1/12.
    np.testing.assert_allclose(found.mean(0), 1, atol=5 * np.sqrt(11 / 12 / 4000))
    assert (found == 0).mean() == pytest.approx((11 / 12) ** 12, abs=0.01)


def test_a_draw_is_the_score_of_the_drawn_people() -> None:
    counts, multiplicities = counts_of(6), draws(6, 20, 0)
    found = resampled(counts, multiplicities, OTHER)
    for b, row in enumerate(multiplicities):
        people = np.repeat(np.arange(6), row)
        expected = scores(counts[people].sum(0), OTHER)
        assert found.score[b] == pytest.approx(expected.score)
        assert found.binary_f1[b] == pytest.approx(expected.binary_f1)
        assert found.macro_f1[b] == pytest.approx(expected.macro_f1)


def test_everybody_once_is_the_plain_score() -> None:
    counts = counts_of(6)
    once = resampled(counts, np.ones((1, 6), dtype=np.int64), OTHER)
    assert once.score[0] == pytest.approx(scores(counts.sum(0), OTHER).score)


def test_repeats_are_averaged_within_a_draw() -> None:
    counts = np.stack([counts_of(6, seed) for seed in range(3)])
    multiplicities = draws(6, 15, 0)
    each = [resampled(one, multiplicities, OTHER).score for one in counts]
    stacked = resampled(counts, multiplicities, OTHER).score
    np.testing.assert_allclose(stacked, each)
    found = over_repeats(counts, multiplicities, OTHER)
    np.testing.assert_allclose(found.score, np.mean(each, axis=0))
    np.testing.assert_allclose(found.score, (found.binary_f1 + found.macro_f1) / 2)


def test_shared_draws_make_differences_paired() -> None:
    """What makes a subject hard for both arms drops out of their difference."""
    random = np.random.default_rng(1)
    skill = random.uniform(0.2, 0.95, 40)
    arms = np.empty((2, 40, 2, 2))
    for arm in arms:
        right = random.binomial(50, skill[:, None], (40, 2))
        arm[:] = np.stack([right, 50 - right], -1)
        arm[:, 1] = arm[:, 1, ::-1]
    shared = draws(40, 500, 0)
    first, second = (resampled(arm, shared, OTHER).score for arm in arms)
    unpaired = resampled(arms[1], draws(40, 500, 1), OTHER).score
    assert (first - second).std() < 0.4 * (first - unpaired).std()


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Two balanced classes, right or wrong: near the accuracy of a normal population of people."""
    random = np.random.default_rng(5)
    multiplicities, inside = draws(38, 400, 0), 0
    for _ in range(200):
        right = random.binomial(60, random.beta(14, 6, 38)[:, None], (38, 2))
        counts = np.stack([right, 60 - right], -1)
        counts[:, 1] = counts[:, 1, ::-1]
        low, high = interval(resampled(counts, multiplicities, OTHER).score)
        inside += low <= 0.7 <= high
    assert 0.88 <= inside / 200 <= 0.99  # percentile intervals of 38 are a little short


def test_interval_is_made_of_percentiles() -> None:
    assert interval(np.arange(101)) == pytest.approx((2.5, 97.5))
    assert interval(np.arange(101), level=0.8) == pytest.approx((10, 90))


def test_too_little_is_said() -> None:
    with pytest.raises(TooFew, match="too few subjects"):
        draws(1, 10, 0)
    with pytest.raises(TooFew, match="too few draws"):
        interval([])
