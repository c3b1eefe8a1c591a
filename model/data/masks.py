"""Dropout masks that are the same numbers on every device.

Torch's generators differ from device to device, and drawing on the host would
keep a GPU waiting. SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable
pseudorandom number generators") turns a key and a counter into 64 random bits
by a few integer operations, so that masks are made where they are used.

Notation: S streams, B sequences, D dropout channels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def _signed(bits: int) -> int:
    """The int64 of the same 64 bits."""
    return bits - 2**64 if bits >= 2**63 else bits


GAMMA = _signed(0x9E3779B97F4A7C15)
_FIRST, _SECOND = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


def dropout_masks(keys: Tensor, step: int, shape: tuple[int, int], rate: float) -> Tensor:
    """Masks of one step of every stream.

    Args:
        keys: [S] int64, each stream's.
        step: counted from 0 over the whole training.
        shape: B and D.
        rate: probability of 0.

    Returns:
        [S, B, D] on the keys' device: 0, or 1 / (1 - rate).
    """
    batch, width = shape
    counter = torch.arange(batch * width, device=keys.device).add_(step * batch * width + 1)
    bits = splitmix64(keys.unsqueeze(1) + counter * GAMMA)
    kept = bits >= _signed_threshold(rate)
    return (kept.to(torch.float32) / (1 - rate)).view(len(keys), batch, width)


def splitmix64(state: Tensor) -> Tensor:
    """Mix int64 states into random bits, in place."""
    state.bitwise_xor_(_shifted(state, 30)).mul_(_FIRST)
    state.bitwise_xor_(_shifted(state, 27)).mul_(_SECOND)
    return state.bitwise_xor_(_shifted(state, 31))


def _shifted(state: Tensor, by: int) -> Tensor:
    """Logical shift to the right; torch's own repeats the sign."""
    return (state >> by).bitwise_and_((1 << (64 - by)) - 1)


def _signed_threshold(rate: float) -> int:
    """Bits below it, read as int64, come with probability `rate`."""
    return min(round(rate * 2**64), 2**64 - 1) - 2**63
