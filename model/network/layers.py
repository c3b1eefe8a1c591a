"""Layers over stacked replicas.

Notation: R replicas, B sequences of a batch, T time steps, C or d channels,
H heads, K taps. Activations are [R, B, T, C]; `mask` is [R, B, T, 1] with 1 for
time steps that exist and 0 for padding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import at_least_fp32
from model.network import lean
from model.network.lean.attention import self_attention
from model.network.lean.branch import Residual as Join
from model.network.lean.feed_forward import feed_forward
from model.network.lean.norm import EPS, norm
from model.network.lean.pooling import mean_std
from model.network.lean.products import linear
from model.network.parameters import Layout, Parameters, ones, uniform, zeros


class Linear:
    """y = x W^T + b for each replica, over the last axis."""

    def __init__(
        self, layout: Layout, name: str, inputs: int, outputs: int, *, bias: bool = True
    ) -> None:
        self.weight = layout.slot(f"{name}.weight", (outputs, inputs), uniform(inputs))
        self.bias = layout.slot(f"{name}.bias", (1, outputs), zeros) if bias else None

    def tensors(self, parameters: Parameters) -> tuple[Tensor, Tensor | None]:
        """Weight [R, outputs, inputs] and bias [R, 1, outputs]."""
        return parameters[self.weight], None if self.bias is None else parameters[self.bias]

    def __call__(self, x: Tensor, parameters: Parameters) -> Tensor:
        """[R, ..., inputs] -> [R, ..., outputs]."""
        weight, bias = self.tensors(parameters)
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        if lean.serves(x):
            y = linear(rows, weight, bias)
        else:
            y = torch.bmm(rows, weight.mT) if bias is None else torch.baddbmm(bias, rows, weight.mT)
        return y.view(*x.shape[:-1], y.shape[-1])


class LayerNorm:
    """Norm over channels (Ba et al. 2016) with each replica's own scale and shift."""

    def __init__(self, layout: Layout, name: str, width: int) -> None:
        self.width = width
        self.scale = layout.slot(f"{name}.scale", (1, 1, width), ones)
        self.shift = layout.slot(f"{name}.shift", (1, 1, width), zeros)

    def __call__(self, x: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C] -> [R, B, T, C]."""
        scale, shift = parameters[self.scale], parameters[self.shift]
        if lean.serves(x):
            return norm(x, scale, shift)
        normed = F.layer_norm(at_least_fp32(x), (self.width,), eps=EPS)
        return torch.addcmul(shift.to(normed.dtype), normed, scale.to(normed.dtype))


class Residual:
    """x -> norm(x + dropout(y)), where y is what a module made of x."""

    def __init__(self, layout: Layout, name: str, width: int) -> None:
        self.norm = LayerNorm(layout, f"{name}.norm", width)
        self.site = layout.dropout_site(width)

    def __call__(self, x: Tensor, y: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C], twice -> [R, B, T, C]."""
        keep = parameters.keep(self.site)
        if lean.serves(x):
            return norm(x, parameters[self.norm.scale], parameters[self.norm.shift], y, keep)
        return self.norm(x + y if keep is None else x.addcmul(y, keep), parameters)

    def join(self, parameters: Parameters) -> Join:
        """What a function that makes y and joins it needs."""
        norm = self.norm
        return Join(parameters[norm.scale], parameters[norm.shift], parameters.keep(self.site))


class FeedForward:
    """Two linear maps with a SiLU between them, and the residual."""

    def __init__(self, layout: Layout, name: str, width: int, hidden: int) -> None:
        self.inward = Linear(layout, f"{name}.in", width, hidden)
        self.outward = Linear(layout, f"{name}.out", hidden, width)
        self.residual = Residual(layout, name, width)

    def __call__(self, x: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C] -> [R, B, T, C]."""
        inward, outward = self.inward, self.outward
        if lean.serves(x):
            maps = inward.tensors(parameters), outward.tensors(parameters)
            return feed_forward(x, *maps, self.residual.join(parameters))
        y = outward(F.silu(inward(x, parameters)), parameters)
        return self.residual(x, y, parameters)


class Attention:
    """Multi-head self-attention (Vaswani et al. 2017) over existing time, and the residual.

    Queries, keys and values have no bias: a key's has no gradient, and Adam
    drifts on a parameter without one.
    """

    def __init__(self, layout: Layout, name: str, width: int, heads: int) -> None:
        self.heads = heads
        self.inward = Linear(layout, f"{name}.qkv", width, 3 * width, bias=False)
        self.outward = Linear(layout, f"{name}.out", width, width)
        self.residual = Residual(layout, name, width)

    def __call__(self, x: Tensor, mask: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C] -> [R, B, T, C]."""
        inward, outward = self.inward, self.outward
        if lean.serves(x):
            maps = parameters[inward.weight], outward.tensors(parameters)
            return self_attention(x, mask, self.heads, *maps, self.residual.join(parameters))
        replicas, batch, time, width = x.shape
        qkv = inward(x, parameters)
        qkv = qkv.view(replicas * batch, time, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind()
        exists = mask.reshape(replicas * batch, 1, 1, time) > 0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=exists)
        y = outward(mixed.transpose(1, 2).reshape(x.shape), parameters)
        return self.residual(x, y, parameters)


class DepthwiseConv:
    """Convolution over time, one filter a channel and replica.

    Replicas are folded into channels, laid out so that no time axis is moved:
    one grouped convolution serves the whole stack.
    """

    def __init__(self, layout: Layout, name: str, width: int, kernel: int) -> None:
        self.kernel = kernel
        self.weight = layout.slot(f"{name}.weight", (width, kernel), uniform(kernel))
        self.bias = layout.slot(f"{name}.bias", (width,), zeros)

    def __call__(self, x: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C] -> [R, B, T, C]; x must be 0 where there is padding."""
        replicas, batch, time, width = x.shape
        lanes = torch.cat(x.unbind(), dim=-1)  # [B, T, R C]
        y = F.conv2d(
            lanes.view(batch, time, 1, -1).permute(0, 3, 1, 2),  # channels last as it lies
            parameters[self.weight].reshape(replicas * width, 1, self.kernel, 1),
            parameters[self.bias].reshape(replicas * width),
            padding=(self.kernel // 2, 0),
            groups=replicas * width,
        )
        return torch.stack(y.squeeze(-1).mT.chunk(replicas, dim=-1))


def masked_mean_std(x: Tensor, mask: Tensor) -> Tensor:
    """Mean and SD over the time steps that exist: [R, B, T, C] -> [R, B, 2 C]."""
    if lean.serves(x):
        return mean_std(x, mask)
    x = at_least_fp32(x)
    count = mask.sum(2).clamp_min(1.0)
    mean = (x * mask).sum(2) / count
    variance = ((x - mean.unsqueeze(2)) * mask).square().sum(2) / count
    return torch.cat((mean, (variance + EPS).sqrt()), dim=-1)
