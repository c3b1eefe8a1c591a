"""The trainer of real studies: `model.fit` behind the worker's interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from model.fit import FitContext, FitSettings, fit
from model.outcomes import Outcome, TrialSpec
from study.config import StudyConfig
from study.sequences import study_sequences
from study.worker.process import OnEpoch


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

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        """Train the trials as one stack."""
        return fit(self._context, trials, on_epoch)
