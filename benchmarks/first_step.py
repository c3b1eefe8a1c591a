"""A worker's trainer that ends every trial at its first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from model.module import StackModule
from model.outcomes import Outcome, TrialDropped, TrialSpec
from study.config import StudyConfig
from study.worker.process import OnEpoch
from study.worker.training import StackTrainer, stack_trainer

FACTORY = "benchmarks.first_step:until_first_step"

Hook = Literal["training_step", "on_train_batch_end"]
"""Of a LightningModule: where the first step begins, and where it has ended."""


@dataclass(frozen=True)
class UntilFirstStep:
    """What the trainer is made from."""

    config: StudyConfig
    hook: Hook


class Reached(Exception):
    """The first step was reached."""


class FirstStepTrainer:
    """Trains as studies do, up to the hook."""

    def __init__(self, trainer: StackTrainer) -> None:
        self._trainer = trainer
        self.device = trainer.device
        self.devices = trainer.devices
        self.data_hash = trainer.data_hash
        self.truth = trainer.truth

    def largest_stack(self, workers: int | None) -> int:
        """One: jobs of single trials are what is measured."""
        del workers
        return 1

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        """Drop all trials when the hook is reached."""
        try:
            return self._trainer(trials, on_epoch)
        except Reached:
            return [TrialDropped(trial.key, 0, 0.0) for trial in trials]


def until_first_step(settings: UntilFirstStep, device: str) -> FirstStepTrainer:
    """Make the trainer; from then on every stack of this process ends at the hook."""
    setattr(StackModule, settings.hook, _reached)
    return FirstStepTrainer(stack_trainer(settings.config, device))


def _reached(*_: object) -> NoReturn:
    raise Reached
