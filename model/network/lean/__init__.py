"""Layers for a CPU, with gradients written out.

torch's own kernels serve wide channels and long sequences. At a few dozen of
each they spend most of their time around the work: on one thread the norm here
takes a third of the time of `layer_norm`, attention two thirds of that of
`scaled_dot_product_attention`. A module and the residual and norm that follow it
are one function, which takes replicas one by one: what lies between two of its
steps is used where it is, with no copy into a tensor of all replicas. Values and
gradients are the same to rounding.

Notation: R replicas, N rows of a replica, B sequences, T time steps, C channels,
H heads, d channels of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor


def serves(x: Tensor) -> bool:
    """Whether this package computes what belongs to `x`; elsewhere torch's kernels do."""
    return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
