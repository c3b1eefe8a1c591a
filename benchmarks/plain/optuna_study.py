r"""The same trials in Optuna alone: asked for, reported epoch by epoch, told.

    python -m benchmarks.plain.optuna_study \
        '{"config": {...}, "trials": 10, "folder": "/tmp/x", "pause": 0}'

`pause` is seconds an epoch. SQLite is set up as the study service sets it up;
nothing proposes or prunes. Prints the clock and CPU time at the start of every
trial, one line of JSON, [[wall, CPU], ...] in seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

import optuna
from optuna.distributions import BaseDistribution

from storage.optuna_schema import open_optuna
from storage.schema import upgrade
from study.config import StudyConfig
from study.plan import Cell, plan
from study.space import distributions


def ask(study: optuna.Study, cell: Cell, known: Mapping[str, BaseDistribution]) -> optuna.Trial:
    """Queue a trial and take it up."""
    params = {"arm": cell.arm, **cell.params}
    study.enqueue_trial(params)
    trial = study.ask({name: known[name] for name in params})
    assert trial.params == params, trial.params
    return trial


def report(trial: optuna.Trial, epochs: int, pause: float) -> None:
    """Report the epochs of a trial."""
    for epoch in range(epochs):
        time.sleep(pause)
        trial.report(0.65, epoch)
        if trial.should_prune():
            raise AssertionError("nothing prunes")


def main(argument: str) -> None:
    """Run the trials and print the times."""
    given = json.loads(argument)
    config = StudyConfig.model_validate(given["config"])
    url = f"sqlite:///{given['folder']}/study.db"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    upgrade(url)
    study = optuna.create_study(
        storage=open_optuna(url),
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.NopPruner(),
    )
    known = distributions(config.arms)
    taken = []
    for cell in plan(config)[: given["trials"]]:
        taken.append((time.perf_counter(), time.process_time()))
        trial = ask(study, cell, known)
        report(trial, config.training.epochs, given["pause"])
        study.tell(trial, 0.65)
    print(json.dumps(taken))


if __name__ == "__main__":
    main(sys.argv[1])
