"""Other ways to compute the two layers that torch offers a choice for, forward and backward.

Notation: R replicas, B sequences, T time steps, C channels, K taps, H heads.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.gpu_clock import synchronise
from benchmarks.gpu_data import Size
from model.network.layers import DepthwiseConv
from model.network.parameters import Layout, Parameters

ROWS = 80
"""Of the sequences that layers are timed on: near the mean of padded batches."""
PASSES = 20

Convolve = Callable[[Tensor, Tensor], Tensor]
"""x [R, B, T, C] and weight [R, C, K] -> [R, B, T, C]."""


class Own:
    """The layer of the network."""

    def __init__(self, width: int, kernel: int) -> None:
        self.layout = Layout()
        self.layer = DepthwiseConv(self.layout, "depthwise", width, kernel)

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        """As every other way; its bias is 0."""
        bias = weight.new_zeros(weight.shape[:2])
        return self.layer(x, Parameters(self.layout, torch.cat((weight.flatten(1), bias), dim=1)))


def channels_first(x: Tensor, weight: Tensor) -> Tensor:
    """A grouped convolution over one dimension."""
    replicas, batch, time_steps, width = x.shape
    y = F.conv1d(
        x.permute(1, 0, 3, 2).reshape(batch, replicas * width, time_steps),
        weight.reshape(replicas * width, 1, -1),
        padding=weight.shape[-1] // 2,
        groups=replicas * width,
    )
    return y.view(batch, replicas, width, time_steps).permute(1, 0, 3, 2)


def toeplitz(x: Tensor, weight: Tensor) -> Tensor:
    """For each channel a product with the [T, T] matrix that holds its taps along diagonals."""
    time_steps, reach = x.shape[2], weight.shape[-1] // 2
    longer = time_steps - 1 - reach
    taps = F.pad(weight, (longer, longer)) if longer >= 0 else weight[..., -longer:longer]
    matrix = taps.unfold(-1, time_steps, 1).flip(-2)
    return torch.einsum("rbtc,rcut->rbuc", x, matrix)


def shifts(x: Tensor, weight: Tensor) -> Tensor:
    """A sum over taps of x shifted in time; for a compiler to fuse."""
    reach = weight.shape[-1] // 2
    time_steps = x.shape[2]
    wide = F.pad(x, (0, 0, reach, reach))
    total = torch.zeros_like(x)
    for k in range(weight.shape[-1]):
        total = total + wide[:, :, k : k + time_steps] * weight[:, None, None, :, k]
    return total


def convolutions(width: int, kernel: int) -> dict[str, Convolve]:
    """Ways to convolve each channel by itself; x must be 0 where there is padding."""
    return {
        "own": Own(width, kernel),
        "channels_first": channels_first,
        "toeplitz": toeplitz,
        "shifts": shifts,
    }


BACKENDS = {
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


def alternatives(device: torch.device, size: Size, *, compiled: bool = True) -> dict[str, Any]:
    """Milliseconds of one layer of a stack, forward and backward, by layer and way."""
    network = size.network
    shape = size.replicas, size.batch, -(-ROWS // network.stride), network.width
    x = torch.randn(shape, device=device, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(
        size.replicas, network.width, network.kernel, device=device, dtype=torch.bfloat16
    ).requires_grad_()
    ways = convolutions(network.width, network.kernel)
    if compiled and device.type == "cuda":
        ways["shifts, compiled"] = torch.compile(shifts)
    table: dict[str, Any] = {
        "depthwise_ms": {
            name: _tried(partial(way, x, weight), (x, weight), device) for name, way in ways.items()
        }
    }
    heads, width = network.heads, network.width // network.heads
    q, k, v = (
        torch.randn(
            shape[0] * shape[1], heads, shape[2], width, device=device, dtype=torch.bfloat16
        ).requires_grad_()
        for _ in range(3)
    )
    exists = torch.ones(shape[0] * shape[1], 1, 1, shape[2], dtype=torch.bool, device=device)

    def attend(backend: SDPBackend) -> Tensor:
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, attn_mask=exists)

    table["attention_ms"] = {
        name: _tried(partial(attend, backend), (q, k, v), device)
        for name, backend in BACKENDS.items()
    }
    return table


def _tried(
    forward: Callable[[], Tensor], inputs: tuple[Tensor, ...], device: torch.device
) -> float | str:
    """Milliseconds of one pass, or why there is none."""
    try:
        gradient = torch.randn_like(forward())
        seconds = []
        for turn in range(PASSES):
            synchronise(device)
            started = time.perf_counter()
            torch.autograd.grad(forward(), inputs, gradient)
            synchronise(device)
            if turn >= PASSES // 4:
                seconds.append(time.perf_counter() - started)
        return 1e3 * statistics.median(seconds)
    except Exception as error:  # a way that does not run is a finding
        return f"{type(error).__name__}: {str(error)[:200]}"
