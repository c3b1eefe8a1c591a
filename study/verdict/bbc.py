"""The best of an arm, with the selection paid for.

The best of T trials is best partly by luck, so its own score is too high. Bootstrap Bias
Corrected CV repeats the selection in every bootstrap draw: choose on the drawn subjects, score on
those left out (Tsamardinos, Greasidou and Borboudakis 2018, Bootstrapping the out-of-sample
predictions for efficient and accurate cross-validation, Machine Learning 107, BBC-CV). Nothing is
trained again. Whole subjects are drawn here, not single predictions: sequences of one person in
both halves would let the luck through.

A draw leaves about S/e subjects out. The mean over draws is a fair estimate; their spread is that
of a score of so few subjects, wider than that of all S, so intervals from it are on the safe side.

Notation: T configurations of one arm, B draws, S subjects, M coarse classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from study.verdict.bootstrap import resampled
from study.verdict.budget import best_weights
from study.verdict.errors import TooFew
from study.verdict.score import Counts, Floats, scores


@dataclass(frozen=True, eq=False)
class Bbc:
    """The expected score on new subjects of whatever the selection picks."""

    estimate: float
    """Mean over draws."""
    draws: Floats
    """[B'] score on the subjects left out; B' is B without draws that leave nobody out."""
    in_sample: float
    """Score of the same selection on the very subjects it was made on."""

    @property
    def optimism(self) -> float:
        """By how much the selection flatters itself.

        F1 of few subjects differs a little from F1 of all, so it need not be 0 where T = 1.
        """
        return self.in_sample - self.estimate


def bbc(counts: Counts, multiplicities: Counts, other: int, budget: int | None = None) -> Bbc:
    """Correct the best score of an arm for the selection.

    Draws that leave nobody out are skipped. Which these are depends on the multiplicities alone:
    arms with the same multiplicities keep the same draws, and differences are paired.

    Args:
        counts: [T, S, M, M] coarse counts of each subject from out-of-fold predictions.
        multiplicities: [B, S] from `bootstrap.draws`.
        other: coarse id of the class that is no target.
        budget: select the best of this many configurations, in expectation over which of the T
            they are (`budget.best_weights`); by default the best of all T. Configurations that
            tie share their weights evenly, so that their order never matters.

    Raises:
        TooFew: no configuration, fewer than budget, or no draw that leaves a subject out.
    """
    if not len(counts):
        raise TooFew(1, 0, "configurations with out-of-fold predictions")
    weights = best_weights(len(counts), len(counts) if budget is None else budget)
    left_out = multiplicities == 0
    usable = left_out.any(1)
    if not usable.any():
        raise TooFew(1, 0, "draws that leave a subject out")
    in_bag = _each(counts, multiplicities[usable], other)
    out_of_bag = _each(counts, left_out[usable].astype(np.int64), other)
    chosen = (_shared(in_bag, weights) * out_of_bag).sum(1)
    whole = scores(counts.sum(1), other).score[np.newaxis]
    in_sample = float((_shared(whole, weights) * whole).sum())
    return Bbc(float(chosen.mean()), chosen, in_sample)


def _each(counts: Counts, multiplicities: Counts, other: int) -> Floats:
    """Score of each configuration in each draw, [B, T]; one at a time, to hold little at once."""
    return np.stack([resampled(one, multiplicities, other).score for one in counts], axis=1)


def _shared(values: Floats, weights: Floats) -> Floats:
    """Weights [T] of ascending ranks, handed to the values, [B, T]; ties get their mean."""
    order = np.argsort(values, axis=1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=1)
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = ascending[:, 1:] > ascending[:, :-1]
    group = np.cumsum(starts) - 1
    sums = np.bincount(group, np.broadcast_to(weights, values.shape).ravel())
    by_rank = (sums / np.bincount(group))[group].reshape(values.shape)
    shared = np.empty(values.shape)
    np.put_along_axis(shared, order, by_rank, axis=1)
    return shared
