"""Batches of a stack, gathered on the device that holds the data.

Notation: S streams, B sequences, L rows of the longest, C channels, D dropout
channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data.masks import dropout_masks
from model.data.sequences import SequenceSet
from model.data.streams import BatchPlan, Stream


@dataclass(frozen=True)
class StackBatch:
    """One step of every stream. Replicas of a stream share it."""

    x: Tensor
    """[S, B, L, C] scaled features, 0 where padded or not recorded."""
    mask: Tensor
    """[S, B, L, 1], 1 for rows that exist."""
    label: Tensor
    """[S, B] fine ids."""
    counted: Tensor
    """[S, B] bool, False where a short fold has no sequence left."""
    keep: Tensor | None
    """[S, B, D] dropout masks, None outside training."""
    draws: Tensor | None = None
    """[S, 4] standard normal, for weights that are drawn; None outside training."""


class DeviceData:
    """All rows of a data set on one device, shared by every stack trained there."""

    def __init__(
        self,
        sequences: SequenceSet,
        max_length: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Keep the last `max_length` rows of each sequence in reach; move the data once."""
        self.device = device
        self.dtype = dtype
        self.length = np.minimum(sequences.length, max_length)
        self.start = sequences.start + sequences.length - self.length
        self.rows = torch.tensor(sequences.features, device=device)
        self.present = (
            None if sequences.present is None else torch.tensor(sequences.present, device=device)
        )
        self.label = torch.tensor(sequences.label, device=device)
        self.start_on_device = torch.tensor(self.start, device=device)
        self.length_on_device = torch.tensor(self.length, device=device)

    def on_device(self, chosen: NDArray[np.generic]) -> Tensor:
        """An array, moved without the host waiting for it."""
        index = torch.from_numpy(chosen)
        if self.device.type == "cuda":
            index = index.pin_memory()
        return index.to(self.device, non_blocking=True)

    def gather(
        self, index: Tensor, longest: int, mean: Tensor, inverse_sd: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fetch and scale sequences.

        Args:
            index: [S, B] positions, on the device.
            longest: L, rows of the longest of them.
            mean: [S, B or 1, 1, C] subtracted.
            inverse_sd: [S, B or 1, 1, C] multiplied.

        Returns:
            x [S, B, L, C], mask [S, B, L, 1], label [S, B].
        """
        time = torch.arange(longest, device=self.device)
        exists = time < self.length_on_device[index].unsqueeze(-1)
        row = torch.where(exists, self.start_on_device[index].unsqueeze(-1) + time, 0)
        mask = exists.unsqueeze(-1).to(self.dtype)
        x = (self.rows[row].to(self.dtype) - mean) * inverse_sd * mask
        if self.present is not None:
            x = x * self.present[row]
        return x, mask, self.label[index]


class Scaling:
    """Mean and inverse SD of every stream on the device."""

    def __init__(self, streams: Sequence[Stream], data: DeviceData) -> None:
        self._tables = [
            torch.tensor(np.stack([getattr(s, name) for s in streams])).to(data.device, data.dtype)
            for name in ("mean", "inverse_sd")
        ]

    def of(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """For sequences [S, B]: [S, B or 1, 1, C] twice."""
        mean, inverse_sd = self._tables
        if mean.shape[1] > 1:
            index = index.unsqueeze(-1).expand(-1, -1, mean.shape[-1])
            mean, inverse_sd = mean.gather(1, index), inverse_sd.gather(1, index)
        return mean.unsqueeze(2), inverse_sd.unsqueeze(2)


@dataclass(frozen=True)
class TrainBatches:
    """One epoch of every stream. Lightning asks for an iterator anew each epoch."""

    data: DeviceData
    streams: Sequence[Stream]
    plan: BatchPlan
    dropout_width: int
    dropout: float
    epoch: int

    def __len__(self) -> int:
        return self.plan.steps

    def __iter__(self) -> Iterator[StackBatch]:
        data, scaling = self.data, Scaling(self.streams, self.data)
        chosen = np.stack(
            [self.plan.epoch(stream, self.epoch, data.length) for stream in self.streams], axis=1
        )
        keys = data.on_device(np.array([stream.dropout_key for stream in self.streams]))
        counted = torch.ones(chosen.shape[1:], dtype=torch.bool, device=data.device)
        drawn = np.stack([s.draws(self.epoch, self.plan.steps) for s in self.streams], axis=1)
        draws = data.on_device(drawn).to(data.dtype)
        index = data.on_device(chosen)
        longest = data.length[chosen].max((1, 2)).tolist()
        for step, now in enumerate(index):
            x, mask, label = data.gather(now, longest[step], *scaling.of(now))
            masks = self._masks(keys, step)
            yield StackBatch(x, mask, label, counted, masks, draws[step])

    def _masks(self, keys: Tensor, step: int) -> Tensor | None:
        if self.dropout == 0:
            return None
        step += self.epoch * self.plan.steps
        shape = (self.plan.batch, self.dropout_width)
        return dropout_masks(keys, step, shape, self.dropout).to(self.data.dtype)


class ValidationBatches:
    """The test side of every stream, shortest sequences first."""

    def __init__(self, data: DeviceData, streams: Sequence[Stream], batch: int) -> None:
        self.data = data
        self.streams = streams
        self.batch = batch
        self.longest = max(len(stream.test) for stream in streams)

    def __len__(self) -> int:
        return math.ceil(self.longest / self.batch)

    def __iter__(self) -> Iterator[StackBatch]:
        data, scaling = self.data, Scaling(self.streams, self.data)
        padded = np.stack(
            [np.pad(s.test, (self.longest - len(s.test), 0), mode="edge") for s in self.streams]
        )
        real = np.stack(
            [np.arange(self.longest) >= self.longest - len(s.test) for s in self.streams]
        )
        index, counted = data.on_device(padded), data.on_device(real)
        for first in range(0, self.longest, self.batch):
            part = slice(first, first + self.batch)
            now = index[:, part]
            longest = int(data.length[padded[:, part]].max())
            x, mask, label = data.gather(now, longest, *scaling.of(now))
            yield StackBatch(x, mask, label, counted[:, part], keep=None)
