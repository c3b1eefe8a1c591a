"""Bootstrap over whole subjects: how far a score depends on which people were recorded.

Sequences of a subject resemble each other, so subjects are drawn, with all their sequences
(the cluster bootstrap; Field and Welsh 2007, Bootstrapping Clustered Data, JRSS B 69). A draw is
a multiplicity for each subject. All arms share the same draws, so that the difference of two
arms' scores within a draw is paired.

The models stay as they are: this is the noise of test subjects, not that of training again.

Notation: B draws, S subjects, M coarse classes, ... any leading axes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from study.verdict.errors import TooFew
from study.verdict.score import Counts, Scores, margins, score_margins


def draws(subjects: int, count: int, seed: int) -> NDArray[np.int64]:
    """Draw `subjects` subjects with replacement, `count` times.

    Returns:
        [B, S] how often each subject is in each draw; every row adds up to S.

    Raises:
        TooFew: fewer than two subjects.
    """
    if subjects < 2:
        raise TooFew(2, subjects, "subjects")
    even = np.full(subjects, 1 / subjects)
    return np.random.default_rng(seed).multinomial(subjects, even, size=count)


def resampled(counts: Counts, multiplicities: Counts, other: int) -> Scores:
    """Score each draw.

    Args:
        counts: [..., S, M, M] coarse counts of each subject; fractions are allowed.
        multiplicities: [B, S].
        other: coarse id of the class that is no target.

    Returns:
        Scores of shape [..., B].
    """
    of = margins(counts)
    flat = of.reshape(*of.shape[:-2], -1)
    drawn = multiplicities.astype(np.float64) @ flat
    return score_margins(drawn.reshape(*drawn.shape[:-1], *of.shape[-2:]), other)


def over_repeats(counts: Counts, multiplicities: Counts, other: int) -> Scores:
    """Mean over repeats of each draw's scores.

    Args:
        counts: [R, S, M, M], one set of counts for each repeat of an arm.
        multiplicities: [B, S].
        other: coarse id of the class that is no target.

    Returns:
        Scores of shape [B].
    """
    each = resampled(counts, multiplicities, other)
    return Scores(each.score.mean(0), each.binary_f1.mean(0), each.macro_f1.mean(0))


def interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval (Efron 1979; Efron and Tibshirani 1993, chapter 13).

    Args:
        values: [B] a score, or a difference of two arms' scores, of each draw.
        level: share of the draws inside.

    Raises:
        TooFew: no draws.
    """
    of = np.asarray(values, dtype=np.float64)
    if not of.size:
        raise TooFew(1, 0, "draws")
    low, high = np.quantile(of, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
