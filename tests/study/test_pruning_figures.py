"""The figures of docs/pruning.md, by simulation from a seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from study.pruning import lags

MIN_TRIALS = 4
Scores = NDArray[np.float64]


def pruned(scores: Scores, *, among_complete: bool = False) -> NDArray[np.bool_]:
    """Whom one look prunes of trials in this order: by the rule, or against survivors alone."""
    out = np.zeros(len(scores), bool)
    for place, score in enumerate(scores):
        if among_complete:
            complete = scores[:place][~out[:place]]
            out[place] = len(complete) >= MIN_TRIALS and score < np.median(complete)
        else:
            out[place] = place >= MIN_TRIALS and lags(score, scores[:place], 0.5)
    return out


def pruned_by_looks(scores: Scores) -> int:
    """How many are pruned by a look at each column [trials, looks], each judged like the first."""
    reached: list[list[float]] = [[] for _ in scores[0]]
    count = 0
    for trial in scores:
        for others, score in zip(reached, trial, strict=True):
            is_out = len(others) >= MIN_TRIALS and lags(score, others, 0.5)
            others.append(score)
            if is_out:
                count += 1
                break
    return count


def correlated(random: np.random.Generator, shape: tuple[int, ...], correlation: float) -> Scores:
    """Standard normal scores whose last axis is a chain of this correlation."""
    noise = random.standard_normal(shape)
    for i in range(1, shape[-1]):
        rest = math.sqrt(1 - correlation**2)
        noise[..., i] = correlation * noise[..., i - 1] + rest * noise[..., i]
    return noise


def expected_share(count: int) -> float:
    return sum(math.floor(k / 2) / k for k in range(MIN_TRIALS + 1, count + 1)) / count


@pytest.mark.parametrize(("count", "share"), [(7, 0.19), (63, 0.457)])
def test_the_share_that_is_pruned(count: int, share: float) -> None:
    random = np.random.default_rng(0)
    simulated = np.mean([pruned(random.random(count)).mean() for _ in range(400)])
    assert expected_share(count) == pytest.approx(share, abs=0.001)
    assert simulated == pytest.approx(share, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "share"), [(7, 0.24), (63, 0.73)])
def test_the_share_that_is_pruned_among_complete_trials(count: int, share: float) -> None:
    random = np.random.default_rng(0)
    simulated = [pruned(random.random(count), among_complete=True).mean() for _ in range(2000)]
    assert np.mean(simulated) == pytest.approx(share, abs=0.01)


@pytest.mark.slow
def test_the_share_that_is_pruned_by_many_looks() -> None:
    random = np.random.default_rng(0)
    found = [pruned_by_looks(correlated(random, (63, 15), 0.95)) / 63 for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.86, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correlation", "chances", "losses"),
    [
        (0.6, (0.071, 0.075, 0.044), (0.030, 0.028, 0.012)),
        (0.7, (0.046, 0.041, 0.016), (0.017, 0.013, 0.004)),
        (0.8, (0.024, 0.017, 0.004), (0.008, 0.005, 0.001)),
        (0.9, (0.009, 0.004, 0.000), (0.002, 0.001, 0.000)),
    ],
)
def test_what_pruning_costs_an_arm(
    correlation: float, chances: tuple[float, ...], losses: tuple[float, ...]
) -> None:
    random = np.random.default_rng(0)
    for count, chance, loss in zip((8, 16, 63), chances, losses, strict=True):
        gone, lost = [], []
        for early, final in correlated(random, (12_000, count, 2), correlation).transpose(0, 2, 1):
            out = pruned(early)
            gone.append(out[final.argmax()])
            lost.append(final.max() - final[~out].max())
        assert np.mean(gone) == pytest.approx(chance, abs=0.001)
        assert np.mean(lost) == pytest.approx(loss, abs=0.001)
