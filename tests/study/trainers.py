"""Trainers for real worker processes, without torch: they train nothing and are quick about it.

What goes wrong is told through the environment, which workers inherit:
TRAINER_PAUSE (seconds an epoch), TRAINER_FAULTS (JSON: scheme -> Fault), TRAINER_JOURNAL
(a file that gets a line a job), TRAINER_DATA (hash of the data), TRAINER_DEVICES (names),
TRAINER_STACK (trials it says it has room for), TRAINER_ROOM (trials it does have room for),
TRAINER_NOISE (SD of what is added to the score of each fold, by arm and repeat).
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.config import LossConfig
from model.errors import DataError, DeviceError, Fault, OutOfMemory
from model.outcomes import (
    EpochReport,
    FoldResult,
    Outcome,
    TrialDropped,
    TrialFailure,
    TrialResult,
    TrialSpec,
)
from storage.rows import Truth
from study.config import StudyConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from study.worker.process import OnEpoch

STEADY = "tests.study.trainers:steady"


def score_of(loss: LossConfig) -> float:
    """The score every trial with these losses gets."""
    return 0.5 + loss.alpha / 10 + loss.kl_weight / 10 + loss.nine_class_loss_weight / 100


class Steady:
    """Reports every epoch and returns the same results each time."""

    def __init__(self, config: StudyConfig, device: str) -> None:
        self.devices = tuple(os.environ.get("TRAINER_DEVICES", "cpu").split())
        self.device = self.devices[0] if device == "auto" else device
        self.data_hash = os.environ.get("TRAINER_DATA", "data")
        self._folds = config.folds
        self._epochs = config.training.epochs
        self._pause = float(os.environ.get("TRAINER_PAUSE", "0"))
        self._faults: dict[str, str] = json.loads(os.environ.get("TRAINER_FAULTS", "{}"))
        self._noise = float(os.environ.get("TRAINER_NOISE", "0"))
        self._room = int(os.environ.get("TRAINER_ROOM", "1000"))

    @property
    def truth(self) -> Truth | None:
        """Labels of the two sequences, of two subjects, on which it predicts."""
        return Truth(("a", "b"), bytes([0, 1]), ("s1", "s2"), ("x", "y"), ("x", "other"), "other")

    def largest_stack(self, workers: int | None) -> int:
        sharing = math.ceil((workers or 1) / len(self.devices))
        return max(1, int(os.environ.get("TRAINER_STACK", "1")) // sharing)

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        _note(trials)
        print("training", *(trial.key for trial in trials), flush=True)
        outcomes: dict[str, Outcome] = {}
        for epoch in range(self._epochs):
            time.sleep(self._pause)
            if epoch == 1 and len(trials) > self._room:
                raise OutOfMemory("device_memory", f"{len(trials)} trials do not fit")
            live = [trial for trial in trials if trial.key not in outcomes]
            if not live:
                break
            for trial in live:
                self._misbehave(trial, epoch, outcomes)
            reports = [EpochReport(t.key, epoch, self._metrics(t, epoch)) for t in live]
            for key in on_epoch(reports):
                outcomes.setdefault(key, TrialDropped(key, epoch, 0.5))
        for trial in trials:
            outcomes.setdefault(trial.key, self._result(trial))
        return [outcomes[trial.key] for trial in trials]

    def _misbehave(self, trial: TrialSpec, epoch: int, outcomes: dict[str, Outcome]) -> None:
        fault = self._faults.get(trial.loss.auto_weighting, "")
        kind, _, once = fault.partition(" once ")
        if epoch == 0 or not kind or (once and Path(once).exists()):
            return
        if once:
            Path(once).touch()
        if kind == "raise":
            raise RuntimeError("a trainer went wrong")
        if kind == "exit":
            os._exit(3)
        if kind == "nan":
            outcomes[trial.key] = TrialFailure(trial.key, "non_finite_loss", epoch, 1, "kl", 0.5)
            return
        os.kill(os.getpid(), signal.Signals[kind])

    def _metrics(self, trial: TrialSpec, epoch: int) -> dict[str, NDArray[np.float64]]:
        score = self._scores(trial) * (epoch + 1) / self._epochs
        return {
            "score": score,
            "binary_f1": score,
            "macro_f1": score,
            "train_total": np.full(self._folds, 1.0),
            "weight_kl": np.full(self._folds, 0.25),
        }

    def _scores(self, trial: TrialSpec) -> NDArray[np.float64]:
        folds = score_of(trial.loss) + np.linspace(-0.01, 0.01, self._folds)
        if not self._noise:
            return folds
        seed = int.from_bytes(trial.loss.auto_weighting.encode()) + trial.repeat
        return folds + np.random.default_rng(seed).normal(0, self._noise, self._folds)

    def _result(self, trial: TrialSpec) -> TrialResult:
        folds = [
            FoldResult(float(s), float(s), float(s), 1, float(s), ("a", "b"), _PREDICTED)
            for s in self._scores(trial)
        ]
        return TrialResult(trial.key, tuple(folds), 1.5)


_PREDICTED = np.array([0, 1], dtype=np.uint8)


def steady(config: StudyConfig, device: str) -> Steady:
    return Steady(config, device)


def without_data(config: StudyConfig, device: str) -> Steady:
    raise DataError("somewhere", [Fault("expected rows, found none")])


def without_device(config: StudyConfig, device: str) -> Steady:
    raise DeviceError(f"device: {device!r} is not there")


def confused(config: StudyConfig, device: str) -> Steady:
    raise ZeroDivisionError("by zero")


def slow_to_start(config: StudyConfig, device: str) -> Steady:
    time.sleep(60)
    return Steady(config, device)


def with_child(config: StudyConfig, device: str) -> Steady:
    """Starts a process that lives on; its id is given for the hash of the data."""
    trainer = Steady(config, device)
    trainer.data_hash = str(subprocess.Popen(["sleep", "60"]).pid)
    return trainer


def starts_once(config: StudyConfig, device: str) -> Steady:
    """Starts unless a worker has started before in this folder."""
    try:
        Path(os.environ["TRAINER_JOURNAL"] + ".started").touch(exist_ok=False)
    except FileExistsError:
        raise DeviceError("device: it was there a moment ago") from None
    return Steady(config, device)


def killed_once(config: StudyConfig, device: str) -> Steady:
    """Starts unless no worker has started before in this folder."""
    try:
        Path(os.environ["TRAINER_JOURNAL"] + ".killed").touch(exist_ok=False)
    except FileExistsError:
        return Steady(config, device)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def dying(config: StudyConfig, device: str) -> Steady:
    print("about to die", flush=True)
    os._exit(3)


def _note(trials: Sequence[TrialSpec]) -> None:
    journal = os.environ.get("TRAINER_JOURNAL")
    if journal is not None:
        with Path(journal).open("a") as file:
            file.write(f"{os.getpid()} {' '.join(t.loss.auto_weighting for t in trials)}\n")
