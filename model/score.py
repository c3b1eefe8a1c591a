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
    replicas = truth.shape[0]
    row = torch.arange(replicas, device=truth.device).unsqueeze(1) * classes * classes
    cell = row + truth * classes + predicted
    counts = torch.bincount(
        cell[counted].flatten(), minlength=replicas * classes * classes
    )
    return counts.view(replicas, classes, classes)


def f1(true_positive: Tensor, truth: Tensor, predicted: Tensor) -> Tensor:
    """F1 of each class from counts of hits, of truths and of predictions; 0 where undefined."""
    return 2 * true_positive / (truth + predicted).clamp_min(1)


def scores(counts: Tensor, hierarchy: Hierarchy) -> Scores:
    """Score each replica from its fine confusion counts, [R, N, N]."""
    device = counts.device
    to_coarse = torch.nn.functional.one_hot(
        torch.from_numpy(hierarchy.fine_to_coarse).to(device), len(hierarchy.coarse)
    ).double()
    coarse = to_coarse.T @ counts.double() @ to_coarse
    hit = coarse.diagonal(dim1=1, dim2=2)
    truth, predicted = coarse.sum(2), coarse.sum(1)
    occurs = (truth + predicted) > 0
    macro = f1(hit, truth, predicted).sum(1) / occurs.sum(1).clamp_min(1)

    other = hierarchy.coarse.index(hierarchy.other)
    keep = torch.arange(len(hierarchy.coarse), device=device) != other
    targets = coarse[:, keep][:, :, keep].sum((1, 2))
    binary = f1(targets, truth[:, keep].sum(1), predicted[:, keep].sum(1))
    return Scores(score=(binary + macro) / 2, binary_f1=binary, macro_f1=macro)
