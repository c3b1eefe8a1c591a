"""Layers over stacked replicas.

Notation: R replicas, B sequences of a batch, T time steps, C or d channels,
H heads, K taps. Activations are [R, B, T, C]; `mask` is [R, B, T, 1] with 1 for
time steps that exist and 0 for padding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.network import lean
from model.network.parameters import DropoutSite, Layout, Parameters, ones, uniform, zeros


class Linear:
    """y = x W^T + b for each replica, over the last axis."""

    def __init__(
        self, layout: Layout, name: str, inputs: int, outputs: int, *, bias: bool = True
    ) -> None:
        self.weight = layout.slot(f"{name}.weight", (outputs, inputs), uniform(inputs))
        self.bias = layout.slot(f"{name}.bias", (1, outputs), zeros) if bias else None

    def __call__(self, x: Tensor, parameters: Parameters) -> Tensor:
        """[R, ..., inputs] -> [R, ..., outputs]."""
        weight = parameters[self.weight]
        bias = None if self.bias is None else parameters[self.bias]
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        if x.device.type == "cpu":
            y = lean.linear(rows, weight, bias)
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
            return lean.norm(x, scale, shift)
        normed = F.layer_norm(x, (self.width,), eps=lean.EPS)
        return torch.addcmul(shift.to(normed.dtype), normed, scale.to(normed.dtype))

    def of_sum(self, x: Tensor, y: Tensor, parameters: Parameters, site: DropoutSite) -> Tensor:
        """norm(x + dropout(y)): [R, B, T, C], twice -> [R, B, T, C]."""
        keep = parameters.keep(site)
        if lean.serves(x):
            return lean.norm(x, parameters[self.scale], parameters[self.shift], y, keep)
        return self(x + y if keep is None else x.addcmul(y, keep), parameters)


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


class Attention:
    """Multi-head self-attention (Vaswani et al. 2017) over the time steps that exist.

    Queries, keys and values have no bias: a key's has no gradient, and Adam
    drifts on a parameter without one.
    """

    def __init__(self, layout: Layout, name: str, width: int, heads: int) -> None:
        self.heads = heads
        self.inward = Linear(layout, f"{name}.qkv", width, 3 * width, bias=False)
        self.outward = Linear(layout, f"{name}.out", width, width)

    def __call__(self, x: Tensor, mask: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, C] -> [R, B, T, C]."""
        replicas, batch, time, width = x.shape
        size = width // self.heads
        qkv = self.inward(x, parameters)
        qkv = qkv.view(replicas * batch, time, 3, self.heads, size)
        exists = mask.reshape(replicas * batch, 1, time, 1) > 0
        if lean.serves(x):
            mixed = lean.attention(qkv, exists)
        else:
            query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind()
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=exists.mT)
            mixed = mixed.transpose(1, 2)
        return self.outward(mixed.reshape(x.shape), parameters)


def masked_mean_std(x: Tensor, mask: Tensor) -> Tensor:
    """Mean and SD over the time steps that exist: [R, B, T, C] -> [R, B, 2 C]."""
    if lean.serves(x):
        return lean.mean_std(x, mask)
    count = mask.sum(2).clamp_min(1.0)
    mean = (x * mask).sum(2) / count
    variance = ((x - mean.unsqueeze(2)) * mask).square().sum(2) / count
    return torch.cat((mean, (variance + lean.EPS).sqrt()), dim=-1)
