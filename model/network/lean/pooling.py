"""Pooling over the time steps that exist.

Notation: R replicas, B sequences, T time steps, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from model.network.lean.norm import EPS


class MeanStd(torch.autograd.Function):
    """Mean and SD over the time steps that exist."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401  # torch's context has no type of its own
        """[R, B, T, C], [R, B, T, 1] -> [R, B, 2 C]."""
        count = mask.sum(2).clamp_min(1.0)
        mean = (x * mask).sum(2) / count
        centred = (x - mean.unsqueeze(2)).mul_(mask)
        sd = (centred.square().sum(2) / count).add_(EPS).sqrt_()
        ctx.save_for_backward(centred, mask, sd, count)
        return torch.cat((mean, sd), dim=-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401  # torch's context has no type of its own
        """d mean / dx = 1 / count; d sd / dx = (x - mean) / (count sd)."""
        centred, mask, sd, count = ctx.saved_tensors
        of_mean, of_sd = gradient.chunk(2, -1)
        of_mean, of_sd = of_mean / count, of_sd / (count * sd)
        of_x = torch.addcmul(of_mean.unsqueeze(2), centred, of_sd.unsqueeze(2))
        return of_x.mul_(mask), None


def mean_std(x: Tensor, mask: Tensor) -> Tensor:
    """Mean and SD over the time steps that exist: [R, B, T, C] -> [R, B, 2 C]."""
    call: Any = MeanStd.apply
    pooled: Tensor = call(x, mask)
    return pooled
