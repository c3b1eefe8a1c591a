"""Where the noise of a difference between two arms comes from, and so what to buy.

Model: the difference of fold k in repeat r is true difference + subjects + split_r + seed_rk.
Seeds are drawn for each fold, splits for each repeat, both afresh; the subjects are the same all
along, so that no repeat averages them away. The mean of K folds and R repeats has the variance

    seed_sd^2 / (K R) + split_sd^2 / R + subject_sd^2.

Variance components by the method of moments, as in a random-effects analysis of variance
(Searle, Casella and McCulloch 1992, Variance Components); the split of noise into seed, data
and their draws follows Bouthillier et al. (2021, Accounting for Variance in Machine Learning
Benchmarks, MLSys). With few repeats all of these are rough: R - 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from study.verdict.errors import NotFinite, TooFew

Advice = Literal["seeds", "repeats", "subjects"]
BUYS: Mapping[str, Advice] = {
    "seeds": "seeds",
    "splits": "repeats",
    "seeds_and_splits": "repeats",
    "subjects": "subjects",
}
"""What brings a source of noise down; repeats bring new seeds too."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of a difference by source, in units of the score."""

    seed_sd: float | None
    """Of one fold's difference when the same split is trained again. Needs reruns."""
    split_sd: float | None
    """Of a repeat's mean difference, beyond seeds. Needs reruns and two repeats."""
    seed_split_sd: float | None
    """Of a repeat's mean difference, by seeds and split together. Needs two repeats."""
    subject_sd: float | None
    """Of the mean difference, by which subjects were recorded."""
    shares: Mapping[str, float]
    """Of the variance of this study's mean difference, adding up to 1: `seeds`, `splits` (or
    `seeds_and_splits`) and `subjects`. Empty where a source is unknown, or without variance."""
    advice: Advice | None
    """What the largest share asks for; None where there are no shares."""


def noise(
    differences: ArrayLike,
    reruns: Sequence[ArrayLike] = (),
    subject_variance: float | None = None,
) -> Noise:
    """Take the noise apart.

    split_sd^2 = max(0, Var_r(mean_k d) - seed_sd^2 / K); seed_sd^2 is pooled over all reruns and
    folds, within split and fold.

    Args:
        differences: [R, K] arm - against, each repeat with a split and seeds of its own.
        reruns: each [n_i, K], one split trained n_i times with other seeds; n_i = 1 adds nothing.
        subject_variance: of the mean difference, as from `variance_of_subjects`.

    Raises:
        TooFew: no difference.
        NotFinite: NaN or infinity among the differences.
    """
    found = _finite(differences)
    repeats, folds = found.shape
    seed = _within([_finite(rerun) for rerun in reruns])
    both = float(found.mean(axis=1).var(ddof=1)) if repeats > 1 else None
    split = None if seed is None or both is None else max(0.0, both - seed / folds)
    subject = None if subject_variance is None else max(0.0, subject_variance)
    if split is None:
        parts = {"seeds_and_splits": _over(both, repeats), "subjects": subject}
    else:
        seeds = _over(seed, folds * repeats)
        parts = {"seeds": seeds, "splits": _over(split, repeats), "subjects": subject}
    shares = _shares(parts)
    return Noise(
        seed_sd=_root(seed),
        split_sd=_root(split),
        seed_split_sd=_root(both),
        subject_sd=_root(subject),
        shares=shares,
        advice=BUYS[max(shares, key=shares.__getitem__)] if shares else None,
    )


def variance_of_subjects(draws: ArrayLike) -> float:
    """Variance of the mean difference due to subjects alone, from bootstrap draws.

    What two repeats of a draw have in common is the subjects drawn: their seeds and splits are
    independent. So it is the mean covariance, over draws, between different repeats,
    (R Var(mean of repeats) - mean of Var(one repeat)) / (R - 1), and at least 0. Exact but for a
    factor (S - 1) / S where a score is a mean over its S subjects; near for F1. A single repeat
    cannot be taken apart: its whole variance is returned, an upper bound that holds seeds and
    split too.

    Args:
        draws: [R, B] difference of each repeat in each draw, the same draws in all repeats.

    Raises:
        TooFew: no repeat, or fewer than two draws.
        NotFinite: NaN or infinity among the differences.
    """
    found = _finite(draws)
    repeats, count = found.shape
    if count < 2:
        raise TooFew(2, count, "draws")
    of_one = float(found.var(axis=1, ddof=1).mean())
    if repeats == 1:
        return of_one
    of_mean = float(found.mean(axis=0).var(ddof=1))
    return max(0.0, float((repeats * of_mean - of_one) / (repeats - 1)))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    found = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if not found.size:
        raise TooFew(1, 0, "differences")
    if bad := int(found.size - np.isfinite(found).sum()):
        raise NotFinite(bad, found.size, "differences")
    return found


def _within(reruns: Sequence[NDArray[np.float64]]) -> float | None:
    """Pooled variance within split and fold; None without two trainings of one split."""
    freedom = sum((len(rerun) - 1) * rerun.shape[1] for rerun in reruns)
    if not freedom:
        return None
    squares = sum(float(((rerun - rerun.mean(0)) ** 2).sum()) for rerun in reruns)
    return float(squares / freedom)


def _shares(parts: Mapping[str, float | None]) -> dict[str, float]:
    known = {name: part for name, part in parts.items() if part is not None}
    total = sum(known.values())
    if len(known) < len(parts) or not total:
        return {}
    return {name: part / total for name, part in known.items()}


def _over(variance: float | None, count: int) -> float | None:
    return None if variance is None else variance / count


def _root(variance: float | None) -> float | None:
    return None if variance is None else sqrt(variance)
