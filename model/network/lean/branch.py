"""What modules with a residual share: norm(x + keep * y), y made replica by replica.

Notation: R replicas, B sequences, T time steps, C channels, N = B T rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model.network.lean.norm import norm_gradients, standardised


@dataclass(frozen=True)
class Residual:
    """How a branch is joined to its input, for all replicas."""

    scale: Tensor
    """[R, 1, 1, C]"""
    shift: Tensor
    """[R, 1, 1, C]"""
    keep: Tensor | None
    """[R, B, 1, C]: 0 or 1 / (1 - p); None outside training"""

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """What a function's `apply` takes."""
        return self.scale, self.shift, self.keep


def joined(x: Tensor, branches: Iterable[Tensor], residual: Residual) -> tuple[Tensor, ...]:
    """norm(x + keep * y), the normed sum and 1 / SD.

    Args:
        x: [R, B, T, C].
        branches: R times y [N, C], made one after the other.
        residual: of this place.
    """
    total = torch.empty_like(x)
    keeps = [None] * len(x) if residual.keep is None else residual.keep.unbind()
    for row, y, keep, out in zip(x, branches, keeps, total, strict=True):
        if keep is None:
            torch.add(row, y.view_as(row), out=out)
        else:
            torch.addcmul(row, y.view_as(row), keep, out=out)
    normed, inverse_sd = standardised(total, in_place=True)
    return torch.addcmul(residual.shift, normed, residual.scale), normed, inverse_sd


class JoinGradients:
    """Gradients of what `joined` was made of; that of x is complete after `branches` is done."""

    def __init__(
        self, gradient: Tensor, normed: Tensor, inverse_sd: Tensor, residual: Residual
    ) -> None:
        """`gradient` is [R, B, T, C]."""
        self.of_x, self.of_scale, self.of_shift = norm_gradients(
            gradient, normed, inverse_sd, residual.scale
        )
        self._keep = residual.keep

    def branches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """For each replica the gradient of y [N, C], and that of x [N, C] to add its own to."""
        keeps = [None] * len(self.of_x) if self._keep is None else self._keep.unbind()
        for of_x, keep in zip(self.of_x, keeps, strict=True):
            of_y = of_x if keep is None else of_x * keep
            yield of_y.flatten(0, 1), of_x.flatten(0, 1)


def stacked(gradients: list[Any]) -> list[Tensor]:
    """R tuples of n gradients -> n tensors [R, ...]."""
    return [torch.stack(of_one) for of_one in zip(*gradients, strict=True)]
