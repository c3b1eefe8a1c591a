"""A feed-forward module with its residual: norm(x + keep * (W2 silu(W1 x + b1) + b2)).

Notation: R replicas, B sequences, T time steps, C channels, F hidden, N = B T rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from model.network.lean.branch import JoinGradients, Residual, joined, stacked
from model.network.lean.products import outer, product

Map = tuple[Tensor, Tensor | None]
"""Weight [R, out, in] and bias [R, 1, out], which must be there."""


class FeedForward(torch.autograd.Function):
    """The module as one function."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *tensors: Any) -> Tensor:  # noqa: ANN401  # torch's context has no type of its own
        """x [R, B, T, C]; both maps, then scale, shift and keep of the residual."""
        weight_in, bias_in, weight_out, bias_out, *of_residual = tensors
        residual = Residual(*of_residual)
        hidden: list[Tensor] = []
        active: list[Tensor] = []

        def branches() -> Iterator[Tensor]:
            maps = zip(weight_in, bias_in, weight_out, bias_out, strict=True)
            for rows, (w_in, b_in, w_out, b_out) in zip(x.flatten(1, 2), maps, strict=True):
                hidden.append(product(rows, w_in, b_in[0]))
                active.append(F.silu(hidden[-1]))
                yield product(active[-1], w_out, b_out[0])

        y, normed, inverse_sd = joined(x, branches(), residual)
        saved = (x, weight_in, weight_out, normed, inverse_sd, *residual.tensors)
        ctx.save_for_backward(*saved, *hidden, *active)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  # as above
        """In the order of forward's tensors."""
        x, weight_in, weight_out, normed, inverse_sd, *rest = ctx.saved_tensors
        residual, hidden = Residual(*rest[:3]), rest[3:]
        join = JoinGradients(gradient, normed, inverse_sd, residual)
        of_maps = []
        saved = zip(x.flatten(1, 2), hidden[: len(x)], hidden[len(x) :], strict=True)
        weights = zip(weight_in.mT, weight_out.mT, strict=True)
        for (of_y, of_x), (rows, h, a), (w_in, w_out) in zip(
            join.branches(), saved, weights, strict=True
        ):
            of_h = torch.ops.aten.silu_backward(product(of_y, w_out), h)
            of_inward = outer(of_h, rows), of_h.sum(0, keepdim=True)
            of_outward = outer(of_y, a), of_y.sum(0, keepdim=True)
            of_maps.append((*of_inward, *of_outward))
            of_x.add_(product(of_h, w_in))
        return join.of_x, *stacked(of_maps), join.of_scale, join.of_shift, None


def feed_forward(x: Tensor, inward: Map, outward: Map, residual: Residual) -> Tensor:
    """norm(x + keep * outward(silu(inward(x)))): [R, B, T, C] -> [R, B, T, C]."""
    assert inward[1] is not None
    assert outward[1] is not None
    call: Any = FeedForward.apply
    y: Tensor = call(x.contiguous(), *inward, *outward, *residual.tensors)
    return y
