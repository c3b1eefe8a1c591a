"""Streams: what belongs to one fold of one repeat, whatever trials use it.

A stream owns the split, the feature scaling, the initial weights, the batch
order, the dropout masks and the draws of random loss weights. Everything random
is drawn from a generator keyed by (seed, repeat, fold, purpose), so it is the
same in any company. The split alone goes by repeat % SPLITS: repeats that share
it differ in all else (`model.data.folds`).

Notation: N sequences of the study, K folds, C channels, S steps an epoch,
B sequences a batch, 4 loss terms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from model.config import TERMS
from model.data.folds import assign_folds
from model.data.sequences import SequenceSet

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Purpose(IntEnum):
    """What a stream of random numbers is for; part of its key."""

    WEIGHTS = 1
    ORDER = 2
    DROPOUT = 3
    BUCKETS = 4
    LOSS_WEIGHTS = 5


def generator(*key: int) -> np.random.Generator:
    """Counter-based generator of that key."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


@dataclass(frozen=True)
class StreamKey:
    """Names a stream."""

    seed: int
    repeat: int
    fold: int

    def random(self, purpose: Purpose, index: int = 0) -> np.random.Generator:
        """The generator for a purpose of this stream."""
        return generator(self.seed, self.repeat, self.fold, purpose, index)


@dataclass(frozen=True)
class Stream:
    """One fold of one repeat."""

    key: StreamKey
    train: NDArray[np.int64]
    """Positions of the training sequences."""
    test: NDArray[np.int64]
    """Positions of the test sequences, by length."""
    mean: NDArray[np.float32]
    """[N or 1, C] subtracted from features; one row a sequence, or one for all."""
    inverse_sd: NDArray[np.float32]
    """[N or 1, C]"""
    _shuffles: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def _shuffle(self, index: int) -> NDArray[np.int64]:
        if index not in self._shuffles:
            if len(self._shuffles) > 4:
                self._shuffles.clear()
            random = self.key.random(Purpose.ORDER, index)
            self._shuffles[index] = random.permutation(self.train)
        return self._shuffles[index]

    def drawn(self, epoch: int, count: int) -> NDArray[np.int64]:
        """The `count` training sequences of an epoch: one endless row of shuffles, cut up."""
        first = epoch * count
        shuffles = range(first // len(self.train), (first + count - 1) // len(self.train) + 1)
        joined = np.concatenate([self._shuffle(index) for index in shuffles])
        offset = first - shuffles.start * len(self.train)
        return joined[offset : offset + count]

    @property
    def dropout_key(self) -> int:
        """What dropout masks are made from (`model.data.masks`)."""
        return int(self.key.random(Purpose.DROPOUT).integers(-(2**63), 2**63, dtype=np.int64))

    def draws(self, epoch: int, steps: int) -> NDArray[np.float64]:
        """[S, 4] standard normal of an epoch's steps, for weights that are drawn."""
        return self.key.random(Purpose.LOSS_WEIGHTS, epoch).standard_normal((steps, len(TERMS)))


WINDOW = 32
"""Batches that are sorted by length together."""


@dataclass(frozen=True)
class BatchPlan:
    """How every stream of a study cuts its epochs into batches."""

    seed: int
    batch: int
    steps: int
    """S, the same for all streams, from the size of the data alone."""

    @classmethod
    def of(cls, seed: int, sequences: int, folds: int, batch: int) -> BatchPlan:
        """Let an epoch show as many sequences as a training side has on average."""
        return cls(seed, batch, math.ceil(sequences * (folds - 1) / folds / batch))

    def epoch(self, stream: Stream, epoch: int, length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of a stream's sequences, [S, B].

        Windows of the epoch are sorted by length and cut into batches. Within a
        window all streams visit the batches in one order, so that at any step
        the whole stack pads to about the same length.

        Args:
            stream: whose epoch.
            epoch: counted from 0.
            length: [N] rows of every sequence.
        """
        drawn = stream.drawn(epoch, self.steps * self.batch)
        order = generator(self.seed, Purpose.BUCKETS, epoch)
        batches = []
        for first in range(0, self.steps, WINDOW):
            window = drawn[first * self.batch : (first + WINDOW) * self.batch]
            window = window[np.argsort(length[window], kind="stable")].reshape(-1, self.batch)
            batches.append(window[order.permutation(len(window))])
        return np.concatenate(batches)


class Streams:
    """All streams of a study, made when first asked for."""

    def __init__(self, sequences: SequenceSet, folds: int, seed: int, normalise: str) -> None:
        self.sequences = sequences
        self.folds = folds
        self.seed = seed
        self.normalise = normalise
        self._moments = Moments.of(sequences)
        self._made: dict[int, tuple[Stream, ...]] = {}

    def of_repeat(self, repeat: int) -> tuple[Stream, ...]:
        """The K streams of a repeat, fold by fold."""
        if repeat not in self._made:
            fold = assign_folds(self.sequences, self.folds, self.seed, repeat)
            self._made[repeat] = tuple(
                self._stream(StreamKey(self.seed, repeat, k), fold == k) for k in range(self.folds)
            )
        return self._made[repeat]

    def _stream(self, key: StreamKey, tested: NDArray[np.bool_]) -> Stream:
        train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
        test = test[np.argsort(self.sequences.length[test], kind="stable")]
        if self.normalise == "subject":
            mean, sd = self._moments.by_group(self.sequences.subject)
        else:
            mean, sd = self._moments.over(train)
        return Stream(key, train, test, mean.astype(np.float32), (1 / sd).astype(np.float32))


@dataclass(frozen=True)
class Moments:
    """Sums over the recorded rows of each sequence, [N, C] fp64."""

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]

    @classmethod
    def of(cls, sequences: SequenceSet) -> Moments:
        """Sum up every sequence."""
        shape = (len(sequences), len(sequences.channels))
        count, total, square = (np.zeros(shape) for _ in range(3))
        for i, (start, length) in enumerate(zip(sequences.start, sequences.length, strict=True)):
            rows = sequences.features[start : start + length].astype(np.float64)
            total[i] = rows.sum(0)
            square[i] = np.einsum("tc,tc->c", rows, rows)
            if sequences.present is None:
                count[i] = length
            else:
                count[i] = sequences.present[start : start + length].sum(0)
        return cls(count, total, square)

    def over(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and SD over the chosen sequences, [1, C] each."""
        sums = (
            part[chosen].sum(0, keepdims=True) for part in (self.count, self.total, self.square)
        )
        return _mean_sd(*sums)

    def by_group(self, group: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and SD over all sequences of each one's own group, [N, C] each."""
        member = np.zeros((group.max() + 1, len(group)))
        member[group, np.arange(len(group))] = 1.0
        mean, sd = _mean_sd(member @ self.count, member @ self.total, member @ self.square)
        return mean[group], sd[group]


def _mean_sd(
    count: NDArray[np.float64], total: NDArray[np.float64], square: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A channel that never varies, or was never recorded, gets an SD of 1."""
    mean = total / np.maximum(count, 1)
    variance = square / np.maximum(count, 1) - mean**2
    return mean, np.sqrt(np.where(variance > 1e-10, variance, 1.0))
