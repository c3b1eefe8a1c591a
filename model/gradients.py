"""How much of the gradient comes from each loss term.

Notation: R replicas, P parameters, 4 terms in the order of `model.config.TERMS`.
"""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_shares(flat: Tensor, losses: Tensor, weights: Tensor, active: Tensor) -> Tensor:
    """Norm of each term's weighted gradient over their sum.

    The norms are those that GradNorm balances (Chen et al. 2018, ICML, arXiv
    1711.02257), there of the last shared layer, here of all parameters. Norms
    are not additive: the shares say how hard each term pulls, not which way.
    Leaves no gradient behind, and frees the graph.

    Args:
        flat: [R, P] parameters.
        losses: [R, 4] with the graph that leads to them.
        weights: [R, 4] of the terms.
        active: [R, 4] bool, terms in use.

    Returns:
        [R, 4], rows adding up to 1. NaN for terms not in use, and in the whole row of a
        replica with a norm that is not finite or none above 0.
    """
    last = losses.shape[1] - 1
    norms = [
        torch.autograd.grad(losses[:, i].sum(), flat, retain_graph=i < last)[0].norm(dim=1)
        for i in range(last + 1)
    ]
    pulls = torch.where(active, weights.detach().abs() * torch.stack(norms, 1), 0.0)
    total = pulls.sum(1, keepdim=True)
    known = active & total.isfinite() & (total > 0)
    return (pulls / total).masked_fill(~known, torch.nan)
