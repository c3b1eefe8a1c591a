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

    def gather(
        self, chosen: NDArray[np.int64], mean: Tensor, inverse_sd: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fetch and scale sequences.

        Args:
            chosen: [S, B] positions.
            mean: [S, B or 1, 1, C] subtracted.
            inverse_sd: [S, B or 1, 1, C] multiplied.

        Returns:
            x [S, B, L, C], mask [S, B, L, 1], label [S, B].
        """
        longest = int(self.length[chosen].max())
        index = torch.from_numpy(chosen).to(self.device, non_blocking=True)
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

    def of(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """For sequences [S, B]: [S, B or 1, 1, C] twice."""
        mean, inverse_sd = self._tables
        if mean.shape[1] > 1:
            index = torch.from_numpy(chosen).to(mean.device).unsqueeze(-1)
            index = index.expand(-1, -1, mean.shape[-1])
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
        scaling = Scaling(self.streams, self.data)
        chosen = np.stack(
            [self.plan.epoch(stream, self.epoch, self.data.length) for stream in self.streams],
            axis=1,
        )
        for step, now in enumerate(chosen):
            x, mask, label = self.data.gather(now, *scaling.of(now))
            counted = torch.ones_like(label, dtype=torch.bool)
            keep = self._masks(self.epoch * self.plan.steps + step)
            yield StackBatch(x, mask, label, counted, keep)

    def _masks(self, step: int) -> Tensor | None:
        if self.dropout == 0:
            return None
        drawn = np.stack(
            [
                stream.dropout(step, self.plan.batch, self.dropout_width, self.dropout)
                for stream in self.streams
            ]
        )
        return torch.from_numpy(drawn).to(self.data.device, self.data.dtype, non_blocking=True)


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
        scaling = Scaling(self.streams, self.data)
        padded = np.stack(
            [np.pad(s.test, (self.longest - len(s.test), 0), mode="edge") for s in self.streams]
        )
        real = np.stack(
            [np.arange(self.longest) >= self.longest - len(s.test) for s in self.streams]
        )
        for first in range(0, self.longest, self.batch):
            now = padded[:, first : first + self.batch]
            counted = torch.from_numpy(real[:, first : first + self.batch]).to(self.data.device)
            x, mask, label = self.data.gather(now, *scaling.of(now))
            yield StackBatch(x, mask, label, counted, keep=None)
