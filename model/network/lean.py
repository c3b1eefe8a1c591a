"""Norm, attention and pooling for a CPU, with gradients written out.

torch's own kernels serve wide channels and long sequences. At a few dozen of
each they spend most of their time around the work: on one thread the norm here
takes a third of the time of `layer_norm`, attention two thirds of that of
`scaled_dot_product_attention`. Values and gradients are the same to rounding.

Notation: R replicas, N rows of a replica, B sequences, T time steps, C channels,
H heads, d channels of a head.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from model.device import at_least_fp32

LN2 = math.log(2)
EPS = 1e-5
"""Added to every variance."""
ONEDNN: Any = getattr(getattr(torch.ops.mkldnn, "_linear_pointwise", None), "default", None)
"""oneDNN's linear map, where torch was built with it."""


class Linear(torch.autograd.Function):
    """y = x W^T + b for each replica, by oneDNN, which some CPUs run faster than `bmm`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: ANN401  # torch's context has no type of its own
        """[R, N, in], [R, out, in], [R, 1, out] -> [R, N, out]."""
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        if bias is None:
            return torch.stack([_onednn(*pair, None) for pair in zip(x, weight, strict=True)])
        rows = zip(x, weight, bias.squeeze(1), strict=True)
        return torch.stack([_onednn(*row) for row in rows])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:  # noqa: ANN401  # as above
        """Of x: g W; of W: g^T x; of b: sum g."""
        x, weight = ctx.saved_tensors
        of_x = None
        if ctx.needs_input_grad[0]:
            rows = zip(gradient, weight.mT, strict=True)
            of_x = torch.stack([_onednn(*row, None) for row in rows])
        of_bias = gradient.sum(1, keepdim=True) if ctx.has_bias else None
        return of_x, torch.bmm(gradient.mT, x), of_bias


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = ONEDNN(x, weight, bias, "none", [], "")
    return y


class Norm(torch.autograd.Function):
    """Layer norm over channels (Ba et al. 2016) of x, or of x + keep * y."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401  # as above
        x: Tensor,
        scale: Tensor,
        shift: Tensor,
        y: Tensor | None,
        keep: Tensor | None,
    ) -> Tensor:
        """[R, B, T, C] for x and y, scale and shift [R, 1, 1, C], keep [R, B, 1, C]."""
        if y is None:
            normed = x - _mean(x)
        else:
            total = x + y if keep is None else torch.addcmul(x, y, keep)
            normed = total.sub_(_mean(total))
        sd = torch.linalg.vector_norm(normed, dim=-1, keepdim=True)
        inverse_sd = sd.square_().div_(x.shape[-1]).add_(EPS).rsqrt_()
        normed.mul_(inverse_sd)
        ctx.save_for_backward(normed, inverse_sd, scale, keep)
        ctx.is_sum = y is not None
        return torch.addcmul(shift, normed, scale)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401  # as above
        gradient: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None, None]:
        """With n the normed x and g the gradient of n: (g - mean g - n mean(g n)) / SD."""
        normed, inverse_sd, scale, keep = ctx.saved_tensors
        of_scale = (gradient * normed).sum((1, 2), keepdim=True)
        of_shift = gradient.sum((1, 2), keepdim=True)
        zero, one = torch.zeros_like(inverse_sd), torch.ones_like(inverse_sd)
        of_x = torch.ops.aten.native_layer_norm_backward(
            gradient * scale, normed, normed.shape[-1:], zero, one, None, None, (True, False, False)
        )[0].mul_(inverse_sd)
        of_y = None
        if ctx.is_sum:
            of_y = of_x if keep is None else of_x * keep
        return of_x, of_scale, of_shift, of_y, None


def _mean(x: Tensor) -> Tensor:
    """Over channels, kept: a product is four times as fast as `mean`."""
    average = x.new_full((x.shape[-1],), 1 / x.shape[-1])
    return (x.view(-1, x.shape[-1]) @ average).view(*x.shape[:-1], 1)


class Attention(torch.autograd.Function):
    """softmax(q k^T / sqrt(d)) v over the time steps that exist (Vaswani et al. 2017, eq. 1).

    Scores are kept keys by queries, so that sums and maxima over keys run along
    memory, and powers of two stand in for e, with the queries scaled to suit:
    `exp2` takes a fifth of the time of `exp`.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, bias: Tensor) -> Tensor:  # noqa: ANN401  # as above
        """[R B, T, 3, H, d], bias [R B, 1, T, 1] with -inf at padding -> [R B, T, H d]."""
        sequences, time, _, heads, size = qkv.shape
        parts = qkv.permute(2, 0, 3, 1, 4).clone(memory_format=torch.contiguous_format)
        parts = parts.view(3, sequences * heads, time, size)
        query, key, value = parts.unbind()
        query.mul_(size**-0.5 / LN2)
        weights = torch.bmm(key, query.mT)
        weights.view(sequences, heads, time, time).add_(bias)
        weights.sub_(_max_over_keys(weights)).exp2_()
        weights.div_(weights.sum(1, keepdim=True))
        mixed = torch.bmm(weights.mT, value)
        ctx.save_for_backward(parts, weights, mixed)
        return torch.cat(mixed.view(sequences, heads, time, size).unbind(1), dim=-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401  # as above
        """Through the mixing, the softmax and the scores."""
        parts, weights, mixed = ctx.saved_tensors
        query, key, value = parts.unbind()
        sequences, time, _ = gradient.shape
        size = query.shape[-1]
        gradient = gradient.view(sequences, time, -1, size).transpose(1, 2).reshape(query.shape)
        of_parts = torch.empty_like(parts)
        torch.bmm(weights, gradient, out=of_parts[2])
        of_scores = torch.bmm(value, gradient.mT)
        of_scores.sub_((gradient * mixed).sum(-1).unsqueeze(1)).mul_(weights)
        torch.bmm(of_scores.mT, key, out=of_parts[0]).mul_(size**-0.5)
        torch.bmm(of_scores, query, out=of_parts[1]).mul_(LN2)
        of_heads = of_parts.view(3, sequences, -1, time, size).transpose(1, 2).flatten(0, 1)
        of_qkv = torch.cat(of_heads.unbind(), dim=-1)
        return of_qkv.view(sequences, time, 3, -1, size), None


def _max_over_keys(scores: Tensor) -> Tensor:
    """[N, keys, queries] -> [N, 1, queries], by halves: `amax` is slow under 32 keys."""
    while (keys := scores.shape[1]) > 1:
        half = (keys + 1) // 2
        scores = torch.maximum(scores[:, :half], scores[:, -half:])
    return scores


class MeanStd(torch.autograd.Function):
    """Mean and SD over the time steps that exist."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401  # as above
        """[R, B, T, C], [R, B, T, 1] -> [R, B, 2 C]."""
        count = mask.sum(2).clamp_min(1.0)
        mean = (x * mask).sum(2) / count
        centred = (x - mean.unsqueeze(2)).mul_(mask)
        sd = (centred.square().sum(2) / count).add_(EPS).sqrt_()
        ctx.save_for_backward(centred, mask, sd, count)
        return torch.cat((mean, sd), dim=-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401  # as above
        """d mean / dx = 1 / count; d sd / dx = (x - mean) / (count sd)."""
        centred, mask, sd, count = ctx.saved_tensors
        of_mean, of_sd = gradient.chunk(2, -1)
        of_mean, of_sd = of_mean / count, of_sd / (count * sd)
        of_x = torch.addcmul(of_mean.unsqueeze(2), centred, of_sd.unsqueeze(2))
        return of_x.mul_(mask), None


def apply(function: type[torch.autograd.Function], *arguments: Tensor | None) -> Tensor:
    """Call a function in fp32 at least, whatever autocast would have of it."""
    call: Any = function.apply
    y: Tensor
    if torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            y = call(*(a if a is None else at_least_fp32(a) for a in arguments))
    else:
        y = call(*arguments)
    return y


def serves(x: Tensor) -> bool:
    """Whether this module computes what belongs to `x`; elsewhere torch's kernels do."""
    return x.device.type == "cpu"


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Linear map: x [R, N, in], weight [R, out, in], bias [R, 1, out] -> [R, N, out]."""
    if ONEDNN and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu"):
        return apply(Linear, x, weight, bias)
    if bias is None:
        return torch.bmm(x, weight.mT)
    return torch.baddbmm(bias, x, weight.mT)


def norm(
    x: Tensor, scale: Tensor, shift: Tensor, y: Tensor | None = None, keep: Tensor | None = None
) -> Tensor:
    """Layer norm of x, or of x + keep * y.

    x and y are [R, B, T, C], scale and shift [R, 1, 1, C], keep [R, B, 1, C].
    """
    return apply(Norm, x.contiguous(), scale, shift, y, keep)


def attention(qkv: Tensor, exists: Tensor) -> Tensor:
    """Self-attention: qkv [R B, T, 3, H, d], exists [R B, 1, T, 1] bool -> [R B, T, H d]."""
    bias = at_least_fp32(qkv).new_zeros(exists.shape).masked_fill_(~exists, -torch.inf)
    return apply(Attention, qkv, bias)


def mean_std(x: Tensor, mask: Tensor) -> Tensor:
    """Mean and SD over the time steps that exist: [R, B, T, C] -> [R, B, 2 C]."""
    return apply(MeanStd, x, mask)
