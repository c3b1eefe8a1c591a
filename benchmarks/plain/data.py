"""A fold's sequences as a Dataset and a DataLoader, padded batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

from model.data.sequences import SequenceSet

WINDOW = 32
"""Batches whose sequences are sorted by length together."""


class Padded(NamedTuple):
    """Sequences of one batch, padded to its longest."""

    x: Tensor
    """[B, L, C], 0 where padded."""
    exists: Tensor
    """[B, L] bool."""
    label: Tensor
    """[B] fine ids."""


Item = tuple[Tensor, int]
"""Rows [L, C] and fine id of a sequence."""


class FoldDataset(Dataset[Item]):
    """Chosen sequences, scaled once and kept in memory."""

    def __init__(
        self,
        sequences: SequenceSet,
        chosen: NDArray[np.int64],
        scaling: tuple[NDArray[np.float32], NDArray[np.float32]],
        max_length: int,
    ) -> None:
        """`scaling` is mean and SD of the training side, [C] each."""
        mean, sd = scaling
        self.rows = []
        for i in chosen:
            end = sequences.start[i] + sequences.length[i]
            first = max(sequences.start[i], end - max_length)
            rows = (sequences.features[first:end] - mean) / sd
            if sequences.present is not None:
                rows *= sequences.present[first:end]
            self.rows.append(torch.from_numpy(rows))
        self.labels = sequences.label[chosen]
        self.length = np.array([len(rows) for rows in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        return self.rows[index], int(self.labels[index])


def scaling_of(
    sequences: SequenceSet, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and SD of every channel over the recorded rows of the chosen sequences, [C] each."""
    ends = zip(sequences.start[chosen], sequences.length[chosen], strict=True)
    spans = [slice(start, start + length) for start, length in ends]
    rows = np.concatenate([sequences.features[span] for span in spans]).astype(np.float64)
    if sequences.present is not None:
        rows[~np.concatenate([sequences.present[span] for span in spans])] = np.nan
    mean, sd = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    return mean.astype(np.float32), np.where(sd > 1e-5, sd, 1).astype(np.float32)


class LengthBuckets(Sampler[list[int]]):
    """Random batches of sequences of about one length."""

    def __init__(self, length: NDArray[np.int64], batch: int) -> None:
        self.length = length
        self.batch = batch

    def __len__(self) -> int:
        return math.ceil(len(self.length) / self.batch)

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(len(self.length)).numpy()
        batches = []
        for first in range(0, len(order), WINDOW * self.batch):
            window = order[first : first + WINDOW * self.batch]
            window = window[np.argsort(self.length[window])]
            batches += [window[i : i + self.batch] for i in range(0, len(window), self.batch)]
        for i in torch.randperm(len(batches)).tolist():
            yield batches[i].tolist()


def pad(items: Sequence[Item]) -> Padded:
    """Collate sequences into a batch."""
    length = torch.tensor([len(rows) for rows, _ in items])
    x = pad_sequence([rows for rows, _ in items], batch_first=True)
    exists = torch.arange(x.shape[1]) < length.unsqueeze(1)
    return Padded(x, exists, torch.tensor([label for _, label in items]))


def training_loader(dataset: FoldDataset, batch: int, *, bucketed: bool) -> DataLoader[Item]:
    """Batches in random order; of about one length each if `bucketed`."""
    if bucketed:
        buckets = LengthBuckets(dataset.length, batch)
        return DataLoader(dataset, batch_sampler=buckets, collate_fn=pad)
    return DataLoader(dataset, batch_size=batch, shuffle=True, collate_fn=pad)


def validation_loader(dataset: FoldDataset, batch: int, *, bucketed: bool) -> DataLoader[Item]:
    """Batches in the order of the data set; shortest sequences first if `bucketed`."""
    order = np.argsort(dataset.length, kind="stable") if bucketed else np.arange(len(dataset))
    return DataLoader(dataset, batch_size=batch, sampler=order.tolist(), collate_fn=pad)
