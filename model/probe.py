"""How many trials a device has room for, told from what two small stacks of the real network take.

Notation: T trials, K folds, B sequences a batch.
"""

from __future__ import annotations

import copy
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.config import LossConfig
from model.data.streams import BatchPlan, Stream, StreamKey, Streams
from model.fit import FitContext, StackBatches, fit
from model.memory import Meter, shortage
from model.outcomes import TrialSpec

PROBED = (1, 3)
"""T of the two stacks."""
STEPS = 2
"""Training steps of each: the second finds the optimizer's state in place."""
MARGIN = 0.15
"""Share of the memory left alone: pieces too small to be of use, and what libraries take."""
MOST = 64
"""Trials in a stack whatever the room: R = 64 K replicas keep any GPU busy."""
_REPEAT = 2**31
"""First repeat of the probe's own streams; no study has so many."""


@dataclass(frozen=True)
class Law:
    """memory(T) = fixed + per_trial x T, in bytes."""

    fixed: float
    per_trial: float

    @classmethod
    def through(cls, peaks: dict[int, int]) -> Law:
        """The line through two points: T -> bytes."""
        (few, low), (more, high) = sorted(peaks.items())
        slope = (high - low) / (more - few)
        return cls(low - few * slope, slope)

    def of(self, trials: int) -> float:
        """Bytes that so many trials take."""
        return self.fixed + self.per_trial * trials

    def room(self, size: float) -> int:
        """Most trials that so many bytes hold, from 1 to MOST."""
        if self.of(MOST) <= size:
            return MOST
        return max(1, int((size - self.fixed) / self.per_trial))


def largest_stack(context: FitContext, meter: Meter, share: float = 1.0) -> int:
    """Most trials that the device has room for, with a margin; 1 even if that may be too many.

    The room is what is free now, whoever holds the rest, and from then on taken.
    Processes that share a device are sized one after the other.

    Args:
        context: data and settings; its device is the meter's.
        meter: of the device's memory.
        share: largest part of all the memory that is to be used.
    """
    with alone(meter.name):
        law = _law(context, meter)
        meter.restart()
        if law is None:
            return 1
        size = (1 - MARGIN) * min(meter.capacity(), share * meter.total())
        trials = law.room(size)
        meter.reserve(round(min(size, law.of(trials))))
        return trials


def _law(context: FitContext, meter: Meter) -> Law | None:
    """What stacks take; None if not even those of the probe fit."""
    try:
        return Law.through({trials: _peak(context, meter, trials) for trials in PROBED})
    except (RuntimeError, MemoryError) as error:
        if shortage(error) is None:
            raise
        return None


def _peak(context: FitContext, meter: Meter, trials: int) -> int:
    """Bytes held at most while so many trials train and are tested on the longest sequences."""
    meter.restart()
    specs = [TrialSpec(str(i), LossConfig(), _REPEAT + i) for i in range(trials)]
    fit(_with_longest(context), specs)
    return meter.peak()


def _with_longest(context: FitContext) -> FitContext:
    """The same context, but every stream has the longest sequences alone, for STEPS steps."""
    training = context.settings.training
    probed = copy.copy(context)
    probed.settings = replace(context.settings, training=training.model_copy(update={"epochs": 1}))
    probed.plan = BatchPlan(context.plan.seed, training.batch_size, STEPS)
    probed.streams = LongestStreams(context)
    return probed


class LongestStreams(Streams):
    """Streams that train with one batch of the longest sequences, and are tested with one."""

    def __init__(self, context: FitContext) -> None:
        of = context.streams
        super().__init__(of.sequences, of.folds, of.seed, of.normalise)
        self._template = of.of_repeat(0)
        by_length = np.argsort(context.data.length, kind="stable")
        self._train = by_length[-context.settings.training.batch_size :]
        self._test = by_length[-StackBatches(context, self._template).val_dataloader().batch :]

    def of_repeat(self, repeat: int) -> tuple[Stream, ...]:
        """K streams; of another repeat they are others, as costly as those of a study get."""
        return tuple(
            Stream(
                StreamKey(self.seed, repeat, k),
                self._train,
                self._test,
                stream.mean,
                stream.inverse_sd,
            )
            for k, stream in enumerate(self._template)
        )


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes of this user out of the same place."""
    path = Path(tempfile.gettempdir(), f"study-{os.getuid()}-{name}.lock")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
