"""The score, from confusion counts, for all replicas at once.

CMI's official metric: mean of the binary F1 (target or not) and the macro F1
over the targets and one class for all others, read off the fine prediction.
As in scikit-learn with zero_division=0, the macro mean runs over classes that
occur in truth or prediction, not always over all.

Notation: R replicas, V sequences, N fine and M coarse classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.hierarchy import Hierarchy


@dataclass(frozen=True)
class Scores:
    """[R] each, between 0 and 1, fp64."""

    score: Tensor
    binary_f1: Tensor
    macro_f1: Tensor


def confusion(truth: Tensor, predicted: Tensor, counted: Tensor, classes: int) -> Tensor:
    """Count (truth, prediction) pairs.

    Args:
        truth: [R, V] fine ids.
        predicted: [R, V] fine ids.
        counted: [R, V] bool, False for padding.
        classes: N.

    Returns:
        [R, N, N] counts, truth along rows.
    """
    replicas, cells = truth.shape[0], classes * classes
    first = torch.arange(replicas, device=truth.device).unsqueeze(1) * cells
    cell = torch.where(counted, first + truth * classes + predicted, replicas * cells)
    counts = torch.bincount(cell.flatten(), minlength=replicas * cells)
    return counts[: replicas * cells].view(replicas, classes, classes)


def f1(true_positive: Tensor, truth: Tensor, predicted: Tensor) -> Tensor:
    """F1 of each class from counts of hits, of truths and of predictions; 0 where undefined."""
    return 2 * true_positive / (truth + predicted).clamp_min(1)


def scores(counts: Tensor, hierarchy: Hierarchy) -> Scores:
    """Score each replica from its fine confusion counts, [R, N, N]."""
    counts = counts.double()
    member = torch.from_numpy(hierarchy.member).to(counts)
    other = hierarchy.coarse.index(hierarchy.other)
    truth, predicted = counts.sum(2) @ member, counts.sum(1) @ member
    hit = ((counts @ member) * member).sum(1)
    occurs = (truth + predicted) > 0
    macro = f1(hit, truth, predicted).sum(1) / occurs.sum(1).clamp_min(1)

    total = truth.sum(1)
    called = predicted[:, other]
    is_other = truth[:, other]
    binary = f1(total - is_other - called + hit[:, other], total - is_other, total - called)
    return Scores(score=(binary + macro) / 2, binary_f1=binary, macro_f1=macro)
