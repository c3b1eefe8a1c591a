"""The score from counts, for any number of samples at once, without torch.

CMI's official metric as in `model.score`: the mean of binary F1 (target or not) and macro F1
over the targets and one class for all others. The macro mean runs over classes that occur in
truth or prediction. Coarse counts hold all that both need.

Notation: S subjects, L fine and M coarse classes, ... any leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.verdict.errors import VerdictError

Floats = NDArray[np.float64]
Counts = NDArray[np.float64] | NDArray[np.int64]
Ids = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Classes:
    """What the score asks of the labels."""

    fine_to_coarse: Ids
    """[L] coarse id of each fine id; every coarse class has a fine one."""
    other: int
    """Coarse id of the class that is no target."""

    @property
    def coarse(self) -> int:
        """M."""
        return int(self.fine_to_coarse.max()) + 1


@dataclass(frozen=True, eq=False)
class Scores:
    """[...] each, between 0 and 1."""

    score: Floats
    binary_f1: Floats
    macro_f1: Floats


def subject_counts(truth: Ids, predicted: Ids, subject: Ids, classes: Classes) -> NDArray[np.int64]:
    """Count (truth, prediction) pairs of each subject.

    Args:
        truth: [N] fine ids.
        predicted: [N] fine ids.
        subject: [N] ids 0 to S - 1; S is the largest and one.
        classes: of these ids.

    Returns:
        [S, M, M] coarse counts, truth along rows.

    Raises:
        VerdictError: arrays of different lengths, or ids that are no class.
    """
    if not len(truth) == len(predicted) == len(subject):
        raise VerdictError(
            f"expected a truth, a prediction and a subject for each sequence, found {len(truth)}, "
            f"{len(predicted)} and {len(subject)}"
        )
    coarse, subjects = classes.coarse, int(subject.max()) + 1 if len(subject) else 0
    cell = subject.astype(np.int64)
    for ids in (truth, predicted):
        cell = cell * coarse + _coarse(ids, classes)
    counts = np.bincount(cell, minlength=subjects * coarse * coarse)
    return counts.reshape(subjects, coarse, coarse)


def _coarse(ids: Ids, classes: Classes) -> NDArray[np.int64]:
    fine = len(classes.fine_to_coarse)
    if bad := int(((ids < 0) | (ids >= fine)).sum()):
        raise VerdictError(
            f"{bad} of {len(ids)} class ids are unknown: expected 0 to {fine - 1}, "
            f"found {ids.min()} to {ids.max()}"
        )
    return classes.fine_to_coarse[ids].astype(np.int64)


def margins(counts: Counts) -> Floats:
    """Reduce counts, [..., M, M], to truths, predictions and hits of each class, [..., 3, M].

    The score depends on nothing else, and these add up over subjects as counts do.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([counts.sum(-1), counts.sum(-2), hits], axis=-2).astype(np.float64)


def score_margins(of: Floats, other: int) -> Scores:
    """Score from `margins`, [..., 3, M]."""
    truth, predicted, hit = of[..., 0, :], of[..., 1, :], of[..., 2, :]
    occurs = (truth + predicted) > 0
    macro = _ratio(_f1(hit, truth, predicted).sum(-1), occurs.sum(-1))

    total = truth.sum(-1)
    is_other, called_other = truth[..., other], predicted[..., other]
    # Fractions may leave a rounding error below 0.
    both_target = np.maximum(total - is_other - called_other + hit[..., other], 0)
    binary = _f1(both_target, total - is_other, total - called_other)
    return Scores(score=(binary + macro) / 2, binary_f1=binary, macro_f1=macro)


def scores(counts: Counts, other: int) -> Scores:
    """Score from coarse counts.

    Args:
        counts: [..., M, M], truth along rows. Fractions are allowed, as of a mean over repeats.
        other: coarse id of the class that is no target.

    Returns:
        Scores of shape [...]; F1 of a class that never occurs is 0, as is a score of nothing.
    """
    return score_margins(margins(counts), other)


def _f1(hit: Floats, truth: Floats, predicted: Floats) -> Floats:
    return _ratio(2 * hit, truth + predicted)


def _ratio(above: Floats, below: Floats | NDArray[np.int64]) -> Floats:
    """above / below, and 0 where below is 0."""
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
