"""Matrix products by oneDNN, which some CPUs run faster than `bmm`.

Notation: R replicas, N rows of a replica.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ONEDNN: Any = getattr(getattr(torch.ops.mkldnn, "_linear_pointwise", None), "default", None)
"""oneDNN's linear map, where torch was built with it; fp32 only."""

_WIDE = 64


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: [N, in], [out, in], [out] -> [N, out]."""
    if ONEDNN and x.dtype == torch.float32:
        y: Tensor = ONEDNN(x, weight, bias, "none", [], "")
        return y
    return F.linear(x, weight, bias)


def outer(gradient: Tensor, x: Tensor) -> Tensor:
    """g^T x, the gradient of a weight: [N, out], [N, in] -> [out, in].

    oneDNN wants the smaller of the two as its rows, and has to turn it first, which
    pays only where the other is wide.
    """
    outputs, inputs = gradient.shape[1], x.shape[1]
    if max(outputs, inputs) < _WIDE:
        return torch.mm(gradient.mT, x)
    if outputs <= inputs:
        return product(gradient.mT, x.mT)
    return product(x.mT, gradient.mT).mT


class Linear(torch.autograd.Function):
    """y = x W^T + b for each replica."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: ANN401  # torch's context has no type of its own
        """[R, N, in], [R, out, in], [R, 1, out] -> [R, N, out]."""
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        if bias is None:
            return torch.stack([product(*pair) for pair in zip(x, weight, strict=True)])
        rows = zip(x, weight, bias.squeeze(1), strict=True)
        return torch.stack([product(*row) for row in rows])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:  # noqa: ANN401  # as above
        """Of x: g W; of W: g^T x; of b: sum g."""
        x, weight = ctx.saved_tensors
        of_x = None
        if ctx.needs_input_grad[0]:
            pairs = zip(gradient, weight.mT, strict=True)
            of_x = torch.stack([product(*pair) for pair in pairs])
        of_bias = gradient.sum(1, keepdim=True) if ctx.has_bias else None
        of_weight = torch.stack([outer(*pair) for pair in zip(gradient, x, strict=True)])
        return of_x, of_weight, of_bias


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Linear map: x [R, N, in], weight [R, out, in], bias [R, 1, out] -> [R, N, out]."""
    call: Any = Linear.apply
    y: Tensor = call(x, weight, bias)
    return y
