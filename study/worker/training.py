"""The trainer of real studies: `model.fit` behind the worker's interface."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from model.device import keep_freed_memory
from model.fit import FitContext, FitSettings, fit
from model.memory import CudaMemory, free, shortage
from model.outcomes import Outcome, TrialSpec
from model.probe import largest_stack
from storage.rows import Truth
from study.config import StudyConfig
from study.sequences import study_sequences
from study.worker.process import OnEpoch

CPU_STACK = 2
"""Trials that a core trains at once: less around each operation than for one alone, and no
more than the caches bear. Larger stacks gain no time, and have results to show later."""


def stack_trainer(config: StudyConfig, device: str) -> StackTrainer:
    """Load the study's data onto a device.

    Raises:
        DataError, ConfigError: data that cannot be used, or not with this configuration.
        DeviceError: the device is not there.
    """
    settings = FitSettings(
        network=config.network,
        training=config.training,
        features=config.features,
        folds=config.folds,
        seed=config.seed,
        device=device,
    )
    keep_freed_memory()
    return StackTrainer(FitContext(study_sequences(config), settings))


class StackTrainer:
    """Trains stacks in one context."""

    def __init__(self, context: FitContext) -> None:
        self._context = context

    @property
    def device(self) -> str:
        """Name of the device it trains on."""
        return str(self._context.device)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of all devices of that kind."""
        if self._context.device.type == "cpu":
            return ("cpu",)
        return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count()))

    @property
    def data_hash(self) -> str:
        """Hash of the data it trains on."""
        return self._context.sequences.digest

    @property
    def truth(self) -> Truth:
        """Labels and subjects of the data."""
        sequences = self._context.sequences
        names = sequences.subject_names
        return Truth(
            sequence_ids=tuple(sequences.sequence_id.tolist()),
            labels=sequences.label.astype(np.uint8).tobytes(),
            subjects=tuple(names[i] for i in sequences.subject.tolist()),
            fine=sequences.hierarchy.fine,
            coarse=sequences.hierarchy.coarse,
            other=sequences.hierarchy.other,
        )

    def largest_stack(self, workers: int | None) -> int:
        """Most trials that the device has room for; CPU_STACK on a CPU.

        Args:
            workers: that share all devices evenly; None for one a device.
        """
        device = self._context.device
        if device.type == "cpu":
            return CPU_STACK
        sharing = math.ceil((workers or 1) / len(self.devices))
        return largest_stack(self._context, CudaMemory(device), 1 / sharing)

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        """Train the trials as one stack.

        Raises:
            OutOfMemory: it does not fit. What it took is free again.
        """
        try:
            return fit(self._context, trials, on_epoch)
        except (RuntimeError, MemoryError) as error:
            short = shortage(error)
            if short is None:
                raise
        free(self._context.device)  # the error is gone, and with it what its frames held on to
        raise short
