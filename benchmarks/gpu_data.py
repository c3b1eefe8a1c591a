"""Made-up sequences of CMI's size and lengths, and the stack that trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from model.config import (
    NETWORK_PRESETS,
    FeatureConfig,
    LossConfig,
    NetworkConfig,
    TrainingConfig,
)
from model.data.batches import StackBatch, TrainBatches
from model.data.sequences import SequenceSet
from model.data.streams import WINDOW
from model.device import Precision
from model.fit import FitContext, FitSettings, Stack
from model.hierarchy import Hierarchy
from model.outcomes import TrialSpec

CHANNELS = 19
"""As many as the gravity feature set has."""
ARMS = ("none", "uncertainty", "direct", "direct_anchored", "equal")


@dataclass(frozen=True)
class Size:
    """How large a measurement is. CMI is what is reported; tests use less."""

    network: NetworkConfig
    sequences: int
    subjects: int
    batch: int
    """Sequences a replica sees in a step."""
    folds: int
    trials: int
    """Of the stack that is compared with others; folds times as many replicas."""
    warmups: int
    """Steps before the clock starts."""
    steps: int
    """Steps timed. Whole windows of length-sorted batches, so that every length occurs."""
    epochs: int
    """Of a study."""
    study_trials: int
    stacks: tuple[int, ...]
    """Trials of the stacks over which growth is measured."""
    processes: tuple[int, ...]
    """Numbers of processes that share the device."""
    window_s: float
    """Seconds that processes are timed together."""
    matrix: int
    """Rows of the square matrices whose product gives the matrix rate."""

    @property
    def replicas(self) -> int:
        """R of the stack that is compared with others."""
        return self.trials * self.folds


CMI = Size(
    network=NETWORK_PRESETS["base"],
    sequences=8151,
    subjects=81,
    batch=64,
    folds=5,
    trials=5,
    warmups=WINDOW,
    steps=3 * WINDOW,
    epochs=30,
    study_trials=64,
    stacks=(1, 2, 5, 16, 32, 64),
    processes=(2, 4, 8, 16),
    window_s=2.0,
    matrix=8192,
)

HIERARCHY = Hierarchy.of(
    targets=[f"target {i}" for i in range(8)], others=[f"other {i}" for i in range(10)]
)


def made_up(size: Size, seed: int = 0) -> SequenceSet:
    """Random rows; lengths from 29 to 700 with a mean near 70, skewed as CMI's are."""
    random = np.random.default_rng(seed)
    tail = random.lognormal(3.45, 0.72, size.sequences)
    length = np.minimum(29 + tail, 700).round().astype(np.int64)
    rows = int(length.sum())
    present = np.ones((rows, CHANNELS), np.bool_)
    present[random.random(rows) < 0.006, 3:] = False
    features = random.standard_normal((rows, CHANNELS), np.float32) * present
    return SequenceSet(
        features=features,
        present=present,
        channels=tuple(f"channel {i}" for i in range(CHANNELS)),
        start=np.concatenate(([0], np.cumsum(length)[:-1])),
        length=length,
        label=np.arange(size.sequences) % len(HIERARCHY.fine),
        subject=np.arange(size.sequences) * size.subjects // size.sequences,
        sequence_id=np.array([f"{i:05d}" for i in range(size.sequences)]),
        subject_names=tuple(f"subject {i}" for i in range(size.subjects)),
        hierarchy=HIERARCHY,
        pilot_subjects=(),
        digest="made up",
    )


def context_of(
    size: Size,
    device: str,
    precision: Precision = "bf16",
    *,
    epochs: int | None = None,
    sequences: SequenceSet | None = None,
) -> FitContext:
    """The study's data on the device."""
    training = TrainingConfig(
        epochs=epochs or size.epochs, batch_size=size.batch, precision=precision
    )
    settings = FitSettings(
        size.network, training, FeatureConfig(), size.folds, seed=0, device=device
    )
    return FitContext(made_up(size) if sequences is None else sequences, settings)


def trials(count: int) -> list[TrialSpec]:
    """Trials of all arms in turn."""
    return [TrialSpec(str(i), LossConfig(auto_weighting=ARMS[i % len(ARMS)])) for i in range(count)]


def stack_of(context: FitContext, count: int) -> Stack:
    """A stack of `count` trials, not yet trained."""
    return Stack(context, trials(count), lambda _: ())


def batches_of(context: FitContext, stack: Stack, count: int) -> list[StackBatch]:
    """The first `count` batches of a stack, made beforehand."""
    network = context.network
    epoch = TrainBatches(
        context.data,
        stack.streams,
        context.plan,
        network.layout.dropout_width,
        network.config.dropout,
        epoch=0,
    )
    return [batch for _, batch in zip(range(count), epoch, strict=False)]


def padded_rows(batches: Sequence[StackBatch]) -> float:
    """Mean length that batches are padded to."""
    return float(np.mean([batch.x.shape[2] for batch in batches]))


def skipped(device: str) -> str | None:
    """Why nothing can be measured on the device, None if it can."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        return "no CUDA device here"
    return None
