"""The Squeezeformer of `model.network` as a plain nn.Module: one replica, torch's own layers.

Notation: B sequences, L rows of the longest, T = ceil(L / stride) time steps,
C input channels, d width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import NetworkConfig


class Attention(nn.Module):
    """Multi-head self-attention over the time steps that exist."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, d], [B, T, 1] -> [B, T, d]."""
        batch, time, width = x.shape
        qkv = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        exists = mask.bool().view(batch, 1, 1, time)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=exists)
        y: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        return y


class FeedForward(nn.Sequential):
    """Two linear maps with a SiLU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, width))


class Convolution(nn.Module):
    """Pointwise map, depthwise convolution, norm, SiLU, pointwise map."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.inward = nn.Linear(width, width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, d], [B, T, 1] -> [B, T, d]."""
        y = F.silu(self.inward(x)) * mask
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        out: Tensor = self.out(F.silu(self.norm(y)))
        return out


class ChannelDropout(nn.Module):
    """Drops whole channels of a sequence, at all times at once."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.drop = nn.Dropout1d(rate)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, d] -> [B, T, d]."""
        y: Tensor = self.drop(x.transpose(1, 2)).transpose(1, 2)
        return y


class Block(nn.Module):
    """Attention, feed-forward, convolution, feed-forward, each with residual and post-norm."""

    def __init__(self, config: NetworkConfig, *, conv: bool) -> None:
        super().__init__()
        width, hidden = config.width, config.width * config.expansion
        self.attention = Attention(width, config.heads)
        self.mix = FeedForward(width, hidden)
        self.conv = Convolution(width, config.kernel) if conv else None
        self.last = FeedForward(width, hidden) if conv else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4 if conv else 2))
        self.drop = ChannelDropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, d], [B, T, 1] -> [B, T, d]."""
        x = self.norms[0](x + self.drop(self.attention(x, mask)))
        x = self.norms[1](x + self.drop(self.mix(x)))
        if self.conv is not None and self.last is not None:
            x = self.norms[2](x + self.drop(self.conv(x, mask)))
            x = self.norms[3](x + self.drop(self.last(x)))
        return x


class PlainSqueezeformer(nn.Module):
    """Stem, blocks, mean and SD over time of what both give, and three heads."""

    def __init__(self, config: NetworkConfig, channels: int, fine: int, coarse: int) -> None:
        super().__init__()
        self.stride = config.stride
        width = config.width
        self.stem = nn.Conv1d(
            channels, width, config.stem_kernel, config.stride, padding=config.stem_kernel // 2
        )
        self.stem_norm = nn.LayerNorm(width)
        kinds = [True] * config.blocks + [False] * config.bert_layers
        self.blocks = nn.ModuleList(Block(config, conv=conv) for conv in kinds)
        self.drop = nn.Dropout(config.dropout)
        self.fine = nn.Linear(4 * width, fine)
        self.coarse = nn.Linear(4 * width, coarse)
        self.binary = nn.Linear(4 * width, 1)

    def forward(self, x: Tensor, exists: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classify.

        Args:
            x: [B, L, C] scaled features, padding 0.
            exists: [B, L] bool.

        Returns:
            Logits [B, fine], [B, coarse], [B].
        """
        mask = exists[:, :: self.stride].unsqueeze(-1).to(x.dtype)
        stem = y = self.stem_norm(self.stem(x.transpose(1, 2)).transpose(1, 2))
        for block in self.blocks:
            y = block(y, mask)
        pooled = self.drop(torch.cat((mean_and_sd(stem, mask), mean_and_sd(y, mask)), dim=-1))
        return self.fine(pooled), self.coarse(pooled), self.binary(pooled).squeeze(-1)


def mean_and_sd(x: Tensor, mask: Tensor) -> Tensor:
    """Mean and SD over the time steps that exist: [B, T, d] -> [B, 2 d]."""
    count = mask.sum(1)
    mean = (x * mask).sum(1) / count
    variance = ((x - mean.unsqueeze(1)) * mask).square().sum(1) / count
    return torch.cat((mean, (variance + 1e-5).sqrt()), dim=-1)
