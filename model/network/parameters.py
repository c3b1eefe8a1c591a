"""One flat parameter for all replicas, with named slots.

Notation: R replicas, P parameters of one replica, S streams, B sequences of a
batch, D dropout channels of all sites together.

Layers hold no tensors. They reserve slots in a `Layout` when they are made and
read them from the `Parameters` handed to each forward pass. Clip, AdamW and
dropping replicas are then operations on one [R, P] tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Initialiser = Callable[[Tensor, torch.Generator], None]
"""Fills one replica's tensor in place."""


def zeros(tensor: Tensor, _: torch.Generator) -> None:
    """Fill with 0: biases."""
    tensor.zero_()


def ones(tensor: Tensor, _: torch.Generator) -> None:
    """Fill with 1: scales of norms."""
    tensor.fill_(1.0)


def uniform(fan_in: int, gain: float = 1.0) -> Initialiser:
    """Draw from U(-b, b) with variance gain^2 / fan_in (LeCun et al. 1998)."""
    bound = gain * math.sqrt(3.0 / fan_in)

    def fill(tensor: Tensor, generator: torch.Generator) -> None:
        tensor.uniform_(-bound, bound, generator=generator)

    return fill


@dataclass(frozen=True)
class Slot:
    """Where a layer finds its tensor: [R, *shape]."""

    name: str
    index: int
    shape: tuple[int, ...]
    initialise: Initialiser

    @property
    def size(self) -> int:
        """Elements of one replica."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class DropoutSite:
    """The channels of the drawn mask that belong to one place in the network."""

    start: int
    width: int


class Layout:
    """Slots and dropout sites of a network, in the order its layers were made."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.dropout_width = 0

    def slot(self, name: str, shape: tuple[int, ...], initialise: Initialiser) -> Slot:
        """Reserve a tensor of `shape` for every replica."""
        made = Slot(name, len(self.slots), shape, initialise)
        self.slots.append(made)
        return made

    def dropout_site(self, width: int) -> DropoutSite:
        """Reserve `width` channels of the dropout mask."""
        site = DropoutSite(self.dropout_width, width)
        self.dropout_width += width
        return site

    @property
    def size(self) -> int:
        """P: parameters of one replica."""
        return sum(slot.size for slot in self.slots)

    def initial(self, generator: torch.Generator) -> Tensor:
        """Draw one replica's parameters, [P] float32 on the CPU."""
        flat = torch.empty(self.size)
        for slot, part in zip(
            self.slots, torch.split(flat, [s.size for s in self.slots]), strict=True
        ):
            slot.initialise(part.view(slot.shape), generator)
        return flat

    def unflatten(self, flat: Tensor) -> list[Tensor]:
        """Cut [R, P] into the slots' tensors [R, *shape]; one cat in the backward pass."""
        parts = torch.split(flat, [slot.size for slot in self.slots], dim=1)
        return [
            part.view(flat.shape[0], *slot.shape)
            for slot, part in zip(self.slots, parts, strict=True)
        ]


class Parameters:
    """What one forward pass reads: slots of all replicas and, in training, dropout masks."""

    def __init__(self, layout: Layout, flat: Tensor, keep: Tensor | None = None) -> None:
        """`flat` is [R, P]; `keep` [R, B, D] holds 0 or 1 / (1 - p), None outside training."""
        self._tensors = layout.unflatten(flat)
        self._keep = keep

    def __getitem__(self, slot: Slot) -> Tensor:
        return self._tensors[slot.index]

    def keep(self, site: DropoutSite) -> Tensor | None:
        """What a place multiplies its activations by, [R, B, 1, C]; None outside training."""
        if self._keep is None:
            return None
        return self._keep[:, :, None, site.start : site.start + site.width]

    def dropout(self, x: Tensor, site: DropoutSite) -> Tensor:
        """Drop whole channels of x [R, B, T, C] for all times at once."""
        keep = self.keep(site)
        return x if keep is None else x * keep
