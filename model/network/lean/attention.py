"""Self-attention with its residual (Vaswani et al. 2017): norm(x + keep * out(mix(x))).

Notation: R replicas, B sequences, T time steps, C channels, H heads, d channels of a
head, N = B T rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from model.network.lean.branch import JoinGradients, Residual, joined, stacked
from model.network.lean.products import outer, product

LN2 = math.log(2)


def mix(qkv: Tensor, bias: Tensor) -> tuple[Tensor, list[Tensor]]:
    """softmax(q k^T / sqrt(d)) v over the time steps that exist (eq. 1).

    Scores are kept keys by queries, so that sums and maxima over keys run along
    memory, and powers of two stand in for e: `exp2` takes a fifth of the time of `exp`.

    Args:
        qkv: [B, T, 3, H, d].
        bias: [B, T, 1] of the keys, -inf at padding.

    Returns:
        [B, T, C] and for each head its weights [B, keys, queries].
    """
    scale = qkv.shape[-1] ** -0.5 / LN2
    mixed, weights = [], []
    for query, key, value in heads(qkv):
        of_head = torch.baddbmm(bias, key, query.mT, alpha=scale)
        of_head.sub_(_max_over_keys(of_head)).exp2_()
        of_head.div_(of_head.sum(1, keepdim=True))
        weights.append(of_head)
        mixed.append(torch.bmm(of_head.mT, value))
    return torch.cat(mixed, dim=-1), weights


def mix_gradient(gradient: Tensor, qkv: Tensor, mixed: Tensor, weights: list[Tensor]) -> Tensor:
    """Gradient of qkv, [B, T, 3 C], through the mixing, the softmax and the scores.

    Args:
        gradient: [B, T, C], of what `mix` gave.
        qkv: [B, T, 3, H, d].
        mixed: [B, T, C].
        weights: H times [B, keys, queries].
    """
    size = qkv.shape[-1]
    along = (gradient * mixed).view(*mixed.shape[:2], -1, size).sum(-1)
    of_query, of_key, of_value = [], [], []
    for head, (query, key, value) in enumerate(heads(qkv)):
        of_mixed = gradient[..., head * size : (head + 1) * size]
        of_value.append(torch.bmm(weights[head], of_mixed))
        of_scores = torch.bmm(value, of_mixed.mT)
        of_scores.sub_(along[:, None, :, head]).mul_(weights[head])
        of_query.append(torch.bmm(of_scores.mT, key))
        of_key.append(torch.bmm(of_scores, query))
    of_qkv = torch.cat((*of_query, *of_key, *of_value), dim=-1)
    of_qkv[..., : 2 * len(weights) * size].mul_(size**-0.5)
    return of_qkv


def heads(qkv: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Query, key and value [B, T, d] of each head, views of [B, T, 3, H, d]."""
    return (of_head.unbind(2) for of_head in qkv.unbind(3))


def _max_over_keys(scores: Tensor) -> Tensor:
    """[N, keys, queries] -> [N, 1, queries], by halves: `amax` is slow under 32 keys."""
    while (keys := scores.shape[1]) > 1:
        half = (keys + 1) // 2
        scores = torch.maximum(scores[:, :half], scores[:, -half:])
    return scores


class SelfAttention(torch.autograd.Function):
    """The module as one function."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401  # torch's context has no type of its own
        x: Tensor,
        count: int,
        bias: Tensor,
        *tensors: Any,  # noqa: ANN401  # some may be None
    ) -> Tensor:
        """x [R, B, T, C], bias [R, B, T, 1]; weights in and out, bias out, then the residual's."""
        weight_in, weight_out, bias_out, *of_residual = tensors
        residual = Residual(*of_residual)
        saved: list[Tensor] = []

        def branches() -> Iterator[Tensor]:
            _, batch, time, width = x.shape
            maps = zip(weight_in, weight_out, bias_out, strict=True)
            for r, (w_in, w_out, b_out) in enumerate(maps):
                qkv = product(x[r].flatten(0, 1), w_in).view(batch, time, 3, count, -1)
                mixed, weights = mix(qkv, bias[r])
                saved.extend((qkv, mixed, *weights))
                yield product(mixed.view(-1, width), w_out, b_out[0])

        y, normed, inverse_sd = joined(x, branches(), residual)
        kept = (x, weight_in, weight_out, normed, inverse_sd, *residual.tensors)
        ctx.save_for_backward(*kept, *saved)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  # as above
        """In the order of forward's arguments."""
        x, weight_in, weight_out, normed, inverse_sd, *rest = ctx.saved_tensors
        residual, saved = Residual(*rest[:3]), rest[3:]
        join = JoinGradients(gradient, normed, inverse_sd, residual)
        each = len(saved) // len(x)
        of_maps = []
        for r, (of_y, of_x) in enumerate(join.branches()):
            qkv, mixed, *weights = saved[r * each : (r + 1) * each]
            of_mixed = product(of_y, weight_out[r].mT).view_as(mixed)
            of_qkv = mix_gradient(of_mixed, qkv, mixed, weights).flatten(0, 1)
            of_maps.append(
                (
                    outer(of_qkv, x[r].flatten(0, 1)),
                    outer(of_y, mixed.flatten(0, 1)),
                    of_y.sum(0, keepdim=True),
                )
            )
            of_x.add_(product(of_qkv, weight_in[r].mT))
        return join.of_x, None, None, *stacked(of_maps), join.of_scale, join.of_shift, None


def self_attention(
    x: Tensor,
    mask: Tensor,
    heads: int,
    inward: Tensor,
    outward: tuple[Tensor, Tensor | None],
    residual: Residual,
) -> Tensor:
    """norm(x + keep * outward(attention(inward(x)))) over the time steps that exist.

    Args:
        x: [R, B, T, C].
        mask: [R, B, T, 1], 1 where a time step exists, 0 at padding.
        heads: H.
        inward: weight [R, 3 C, C].
        outward: weight [R, C, C] and bias [R, 1, C], which must be there.
        residual: of this place.
    """
    assert outward[1] is not None
    bias = torch.zeros_like(mask).masked_fill_(mask == 0, -torch.inf)
    call: Any = SelfAttention.apply
    y: Tensor = call(x.contiguous(), heads, bias, inward, *outward, *residual.tensors)
    return y
