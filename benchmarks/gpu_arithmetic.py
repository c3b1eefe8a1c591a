"""How much arithmetic a training step is, and how fast the device does arithmetic.

Notation: T time steps of a sequence after the stem, d width, h hidden width.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from benchmarks.gpu_clock import synchronise
from benchmarks.gpu_data import HIERARCHY
from model.config import NetworkConfig
from model.data.batches import StackBatch


def forward_flops(config: NetworkConfig, channels: int, time_steps: int) -> tuple[int, int]:
    """Operations of the matrix products and convolutions of one sequence, forward.

    A multiplication and an addition count as two. Norms, activations, softmax and
    pooling are left out.

    Returns:
        Those of the stem, and all others.
    """
    t, d = time_steps, config.width
    h = d * config.expansion
    attention = t * 3 * d * d + 2 * t * t * d + t * d * d
    feed_forward = 2 * t * d * h
    convolution = 2 * t * d * d + t * d * config.kernel
    block = attention + 2 * feed_forward + convolution
    encoder = attention + feed_forward
    classes = len(HIERARCHY.fine) + len(HIERARCHY.coarse) + 1
    rest = config.blocks * block + config.bert_layers * encoder + 4 * d * classes
    return 2 * t * channels * config.stem_kernel * d, 2 * rest


def training_flops(
    config: NetworkConfig, channels: int, batches: Sequence[StackBatch], *, padded: bool = False
) -> float:
    """Operations of one replica's training step, mean over the streams of all batches.

    Backward is twice forward, but for the stem, whose input needs no gradient.
    Only rows that exist count, unless `padded`.
    """
    total = sequences = 0
    for batch in batches:
        streams, size, rows = batch.mask.shape[:3]
        time_steps = batch.mask[:, :, :: config.stride].sum((2, 3)).long().flatten().tolist()
        if padded:
            time_steps = [-(-rows // config.stride)] * (streams * size)
        for steps in time_steps:
            stem, rest = forward_flops(config, channels, steps)
            total += 2 * stem + 3 * rest
        sequences += streams
    return total / sequences


def matrix_rate(device: torch.device, rows: int, repeats: int = 10) -> float:
    """Operations a second of bf16 products of two square random matrices, one after the other."""
    left, right = (torch.randn(rows, rows, device=device).bfloat16() for _ in range(2))
    out = torch.empty_like(left)
    seconds = 0.0
    for _ in range(2):  # the first pass warms up
        synchronise(device)
        started = time.perf_counter()
        for _ in range(repeats):
            torch.matmul(left, right, out=out)
        synchronise(device)
        seconds = time.perf_counter() - started
    return 2 * rows**3 * repeats / seconds
