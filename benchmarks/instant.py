"""A study by the real coordinator, with a trainer that trains nothing.

    python -m benchmarks.instant '{"config": {...}, "trials": 10, "folder": "/tmp/x", "pause": 0}'

`pause` is seconds an epoch. The trainer hands out all that a trial leaves:
metrics of every fold and epoch, scores and out-of-fold predictions. At the
start of every job it notes the coordinator's clock and CPU time; what is printed
is one line of JSON, [[wall, CPU], ...] in seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from model.outcomes import EpochReport, FoldResult, Outcome, TrialResult, TrialSpec
from study.config import RunOptions, StudyConfig

if TYPE_CHECKING:
    from study.worker.process import OnEpoch

FACTORY = "benchmarks.instant:instant"
COORDINATOR = "BENCHMARKS_COORDINATOR"
JOURNAL = "BENCHMARKS_JOURNAL"
PAUSE = "BENCHMARKS_PAUSE"
"""Environment of the workers: whose CPU time they note, in which file, and seconds an epoch."""

SEQUENCES = 1362
"""Of a test fold of wisdm51, five folds and no pilot subjects."""
TERMS = ("multiclass", "binary", "nine_class", "kl")
METRICS = (
    *("score", "binary_f1", "macro_f1", "train_total", "val_total"),
    *(f"{kind}_{term}" for kind in ("train", "val", "weight") for term in TERMS),
)
"""Those of a trial with fixed weights."""


class Instant:
    """Reports every epoch and returns results, the same for all trials."""

    device = "cpu"
    devices = ("cpu",)
    data_hash = "none"
    truth = None

    def __init__(self, config: StudyConfig) -> None:
        self._epochs = config.training.epochs
        self._pause = float(os.environ[PAUSE])
        self._coordinator = psutil.Process(int(os.environ[COORDINATOR]))
        value = np.linspace(0.6, 0.7, config.folds)
        self._metrics = dict.fromkeys(METRICS, value)
        ids = tuple(str(1000 + i) for i in range(SEQUENCES))
        predicted = (np.arange(SEQUENCES) % 18).astype(np.uint8)
        self._folds = tuple(FoldResult(v, v, v, 1, v, ids, predicted) for v in value.tolist())

    def largest_stack(self, workers: int | None) -> int:
        """One: jobs of single trials are what is measured."""
        del workers
        return 1

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        """Hand everything out."""
        self._note()
        for epoch in range(self._epochs):
            time.sleep(self._pause)
            on_epoch([EpochReport(trial.key, epoch, self._metrics) for trial in trials])
        return [TrialResult(trial.key, self._folds, 1.0) for trial in trials]

    def _note(self) -> None:
        used = self._coordinator.cpu_times()
        with Path(os.environ[JOURNAL]).open("a", encoding="utf-8") as file:
            file.write(json.dumps([time.perf_counter(), used.user + used.system]) + "\n")


def instant(config: StudyConfig, device: str) -> Instant:
    """Make the trainer, in a worker."""
    del device
    return Instant(config)


def main(argument: str) -> None:
    """Run the study and print what was noted."""
    from study.launch import run_study

    given = json.loads(argument)
    journal = Path(given["folder"], "journal")
    os.environ[COORDINATOR] = str(os.getpid())
    os.environ[JOURNAL] = str(journal)
    os.environ[PAUSE] = str(given["pause"])
    config = StudyConfig.model_validate(given["config"])
    options = RunOptions(n_trials=given["trials"], workers=1, stack=1)
    ending = run_study(config, options, f"sqlite:///{given['folder']}/study.db", FACTORY)
    assert ending.counts == {"complete": given["trials"]}, ending
    print(json.dumps([json.loads(line) for line in journal.read_text().splitlines()]))


if __name__ == "__main__":
    main(sys.argv[1])
