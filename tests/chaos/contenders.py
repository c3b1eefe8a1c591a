r"""A study on any database by the coordinator, or in Optuna alone; prints what it took.

    python -m tests.chaos.contenders ours \
        '{"config": {...}, "trials": 10, "url": "sqlite:////tmp/x/study.db", "folder": "/tmp/x", \
          "pause": 0}'

The trainer and the trials are those of the row `coordinator` of the benchmarks;
so is what is printed: clock and CPU time at the start of every trial.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna

from benchmarks import instant
from benchmarks.coordinator import Marks
from benchmarks.plain.optuna_study import ask, report
from storage.optuna_schema import upgrade_and_open
from study.config import RunOptions, StudyConfig
from study.launch import run_study
from study.plan import plan
from study.space import distributions


def ours(config: StudyConfig, trials: int, url: str, folder: str, pause: float) -> Marks:
    """By the coordinator; its CPU time alone, not that of its worker."""
    journal = Path(folder, "journal")
    os.environ[instant.COORDINATOR] = str(os.getpid())
    os.environ[instant.JOURNAL] = str(journal)
    os.environ[instant.PAUSE] = str(pause)
    options = RunOptions(n_trials=trials, workers=1, stack=1)
    ending = run_study(config, options, url, instant.FACTORY)
    assert ending.counts == {"complete": trials}, ending
    return [json.loads(line) for line in journal.read_text().splitlines()]


def bare(config: StudyConfig, trials: int, url: str, folder: str, pause: float) -> Marks:
    """By Optuna alone, on connections set up as ours are."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=upgrade_and_open(url),
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.NopPruner(),
    )
    known = distributions(config.arms)
    marks = []
    for cell in plan(config)[:trials]:
        marks.append((time.perf_counter(), time.process_time()))
        trial = ask(study, cell, known)
        report(trial, config.training.epochs, pause)
        study.tell(trial, 0.65)
    return marks


def main(who: str, given: Mapping[str, Any]) -> None:
    contender = {"ours": ours, "bare": bare}[who]
    config = StudyConfig.model_validate(given["config"])
    marks = contender(config, given["trials"], given["url"], given["folder"], given["pause"])
    print(json.dumps(marks))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
