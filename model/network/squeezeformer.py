"""A Squeezeformer with three heads, for R replicas at once.

Kim et al. 2022, "Squeezeformer: An Efficient Transformer for Automatic Speech
Recognition", arXiv 2206.00888: blocks of attention, feed-forward, convolution,
feed-forward, each followed by its residual and a post-norm. Departures from the
paper are listed in docs/architecture.md.

Notation: R replicas, B sequences, L rows of the longest, T = ceil(L / stride)
time steps, C input channels, d width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.config import NetworkConfig
from model.hierarchy import Hierarchy
from model.network.layers import (
    Attention,
    DepthwiseConv,
    FeedForward,
    LayerNorm,
    Linear,
    Residual,
    masked_mean_std,
)
from model.network.parameters import Layout, Parameters


@dataclass(frozen=True)
class Logits:
    """Outputs of the three heads."""

    fine: Tensor
    """[R, B, fine classes]"""
    coarse: Tensor
    """[R, B, coarse classes]"""
    binary: Tensor
    """[R, B], positive for a target"""


class Convolution:
    """Pointwise map, depthwise convolution, norm, SiLU, pointwise map, and the residual."""

    def __init__(self, layout: Layout, name: str, width: int, kernel: int) -> None:
        self.inward = Linear(layout, f"{name}.in", width, width)
        self.depthwise = DepthwiseConv(layout, f"{name}.depthwise", width, kernel)
        self.norm = LayerNorm(layout, f"{name}.norm", width)
        self.outward = Linear(layout, f"{name}.out", width, width)
        self.residual = Residual(layout, name, width)

    def __call__(self, x: Tensor, mask: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, d] -> [R, B, T, d]."""
        y = F.silu(self.inward(x, parameters)).mul_(mask)
        y = self.norm(self.depthwise(y, parameters), parameters)
        y = self.outward(F.silu(y), parameters)
        return self.residual(x, y, parameters)


class Block:
    """One Squeezeformer block; without convolution, a plain encoder layer."""

    def __init__(self, layout: Layout, name: str, config: NetworkConfig, *, conv: bool) -> None:
        width, hidden = config.width, config.width * config.expansion
        self.attention = Attention(layout, f"{name}.attention", width, config.heads)
        self.mix = FeedForward(layout, f"{name}.mix", width, hidden)
        self.conv = conv
        if conv:
            self.convolution = Convolution(layout, f"{name}.conv", width, config.kernel)
            self.last = FeedForward(layout, f"{name}.last", width, hidden)

    def __call__(self, x: Tensor, mask: Tensor, parameters: Parameters) -> Tensor:
        """[R, B, T, d] -> [R, B, T, d]."""
        x = self.mix(self.attention(x, mask, parameters), parameters)
        if self.conv:
            x = self.last(self.convolution(x, mask, parameters), parameters)
        return x


class Squeezeformer:
    """Stem, blocks, mean and SD over time of what both give, and three heads."""

    def __init__(self, config: NetworkConfig, channels: int, hierarchy: Hierarchy) -> None:
        self.config = config
        layout = self.layout = Layout()
        width = config.width
        self.stem = Linear(layout, "stem", channels * config.stem_kernel, width)
        self.stem_norm = LayerNorm(layout, "stem.norm", width)
        names = [(f"block{i}", True) for i in range(config.blocks)]
        names += [(f"bert{i}", False) for i in range(config.bert_layers)]
        self.blocks = [Block(layout, name, config, conv=conv) for name, conv in names]
        pooled = 4 * width
        self.pooled = layout.dropout_site(pooled)
        self.fine = Linear(layout, "fine", pooled, len(hierarchy.fine))
        self.coarse = Linear(layout, "coarse", pooled, len(hierarchy.coarse))
        self.binary = Linear(layout, "binary", pooled, 1)

    def windows(self, x: Tensor) -> Tensor:
        """Cut the stem's windows: [S, B, L, C] -> [S, B, T, taps * C].

        Needs no parameter, so it is done once a stream, not once a replica.
        """
        taps, stride = self.config.stem_kernel, self.config.stride
        short = -x.shape[2] % stride
        padded = F.pad(x, (0, 0, taps // 2, taps // 2 + short))
        windows = padded.unfold(2, taps, stride)[:, :, : -(-x.shape[2] // stride)]
        return windows.flatten(3)

    def __call__(self, windows: Tensor, mask: Tensor, parameters: Parameters) -> Logits:
        """Classify.

        Args:
            windows: [R, B, T, taps * C] of `windows`, padding 0.
            mask: [R, B, T, 1], 1 where the window's middle row exists.
            parameters: slots of all R replicas and dropout masks.
        """
        stem = x = self.stem_norm(self.stem(windows, parameters), parameters)
        for block in self.blocks:
            x = block(x, mask, parameters)
        pooled = torch.cat((masked_mean_std(stem, mask), masked_mean_std(x, mask)), dim=-1)
        pooled = parameters.dropout(pooled.unsqueeze(2), self.pooled).squeeze(2)
        return Logits(
            fine=self.fine(pooled, parameters),
            coarse=self.coarse(pooled, parameters),
            binary=self.binary(pooled, parameters).squeeze(-1),
        )
