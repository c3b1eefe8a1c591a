"""Layer norm (Ba et al. 2016) with a scale and a shift for each replica.

Notation: R replicas, B sequences, T time steps, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

EPS = 1e-5
"""Added to every variance."""


def standardised(x: Tensor, *, in_place: bool) -> tuple[Tensor, Tensor]:
    """x [..., C] with mean 0 and SD 1 over channels, and 1 / SD [..., 1]."""
    channels = x.shape[-1]
    average = x.new_full((channels,), 1 / channels)
    mean = (x.view(-1, channels) @ average).view(*x.shape[:-1], 1)  # four times as fast as `mean`
    centred = x.sub_(mean) if in_place else x - mean
    sd = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    inverse_sd = sd.square_().div_(channels).add_(EPS).rsqrt_()
    return centred.mul_(inverse_sd), inverse_sd


def norm_gradients(
    gradient: Tensor, normed: Tensor, inverse_sd: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x, scale and shift.

    With n the normed x and g the gradient of n, x has (g - mean g - n mean(g n)) / SD.

    Args:
        gradient: [R, B, T, C] of scale * n + shift.
        normed: [R, B, T, C].
        inverse_sd: [R, B, T, 1].
        scale: [R, 1, 1, C].
    """
    of_scale = (gradient * normed).sum((1, 2), keepdim=True)
    of_shift = gradient.sum((1, 2), keepdim=True)
    zero, one = torch.zeros_like(inverse_sd), torch.ones_like(inverse_sd)
    of_x = torch.ops.aten.native_layer_norm_backward(
        gradient * scale, normed, normed.shape[-1:], zero, one, None, None, (True, False, False)
    )[0]
    return of_x.mul_(inverse_sd), of_scale, of_shift


class Norm(torch.autograd.Function):
    """Layer norm over channels of x, or of x + keep * y."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401  # torch's context has no type of its own
        x: Tensor,
        scale: Tensor,
        shift: Tensor,
        y: Tensor | None,
        keep: Tensor | None,
    ) -> Tensor:
        """[R, B, T, C] for x and y, scale and shift [R, 1, 1, C], keep [R, B, 1, C]."""
        if y is None:
            normed, inverse_sd = standardised(x, in_place=False)
        else:
            total = x + y if keep is None else torch.addcmul(x, y, keep)
            normed, inverse_sd = standardised(total, in_place=True)
        ctx.save_for_backward(normed, inverse_sd, scale, keep)
        ctx.is_sum = y is not None
        return torch.addcmul(shift, normed, scale)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401  # as above
        gradient: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None, None]:
        """Through the norm, then into both sides of the sum."""
        *saved, keep = ctx.saved_tensors
        of_x, of_scale, of_shift = norm_gradients(gradient, *saved)
        of_y = None
        if ctx.is_sum:
            of_y = of_x if keep is None else of_x * keep
        return of_x, of_scale, of_shift, of_y, None


def norm(
    x: Tensor, scale: Tensor, shift: Tensor, y: Tensor | None = None, keep: Tensor | None = None
) -> Tensor:
    """Layer norm of x, or of x + keep * y.

    x and y are [R, B, T, C], scale and shift [R, 1, 1, C], keep [R, B, 1, C].
    """
    call: Any = Norm.apply
    normed: Tensor = call(x.contiguous(), scale, shift, y, keep)
    return normed
