"""Runs a study: the first worker, the database, the coordinator, the other workers."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.outcomes import TrialSpec
from storage import queries
from storage.engine import open_engine
from storage.optuna_schema import open_optuna
from storage.rows import CellRef, Fingerprints
from storage.runs import Runs
from storage.schema import upgrade
from storage.tables import FINISHED
from study.arms import loss_config
from study.coordinator import Coordinator
from study.fingerprint import fingerprint
from study.finished import finished_before
from study.holder import this_process
from study.mirror import Mirror
from study.opening import Database, open_study
from study.output import standard_error
from study.plan import plan
from study.progress import Progress
from study.space import distributions
from study.stop import StopSignal
from study.supply import Supply
from study.trials import Trial, Trials
from study.worker.handle import Worker
from study.worker.messages import Ready
from study.worker.pool import Pool, Recipe, first_ready

if TYPE_CHECKING:
    from storage.tables import State
    from study.config import RunOptions, StudyConfig

log = logging.getLogger(__name__)

GPU_STACK = 16
"""Trials that a GPU trains at once, unless the user says; a CPU gains next to nothing by more
than one."""


@dataclass(frozen=True)
class Ending:
    """How a run of a study ended."""

    asked: int
    """Cells that were to be finished."""
    counts: Mapping[State, int]
    """How many of them are running or finished, by state; empty if it never came to that."""

    @property
    def finished(self) -> int:
        """Cells that are finished."""
        return sum(self.counts.get(state, 0) for state in FINISHED)

    @property
    def failed(self) -> int:
        """Cells that failed for good."""
        return self.counts.get("failed", 0)


@dataclass(frozen=True)
class Order:
    """What is to be run."""

    config: StudyConfig
    options: RunOptions
    cells: Sequence[CellRef]

    def spec(self, trial: Trial) -> TrialSpec:
        """What a worker is told of a trial."""
        cell = trial.cell
        return TrialSpec(
            trial.key, loss_config(cell.arm, cell.params, self.config.loss), cell.repeat
        )


def run_study(config: StudyConfig, options: RunOptions, url: str, trainer: str) -> Ending:
    """Run until the study holds as many finished trials as asked for, or told to stop.

    Where something is left to do, the first worker loads the data and finds the
    device before the database is touched, so that a fault in either leaves
    nothing behind.

    Args:
        config: of the study.
        options: of this run.
        url: of the storage, resolved.
        trainer: "module:function" that makes a worker's trainer of (config, device).

    Raises:
        WorkerError: data, device or memory will not do.
        MismatchError, UsageError: the study of this name is another.
        StorageError: the database cannot be used.
    """
    cells = [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in plan(config)]
    if options.n_trials > len(cells):
        log.warning(
            "--n-trials: asked for %d, the plan has %d cells: all of them",
            options.n_trials,
            len(cells),
        )
    cells = cells[: options.n_trials]
    counts = finished_before(url, options.study_name, config, cells)
    if counts is not None:
        log.info("nothing left to do: %d/%d trials are finished", len(cells), len(cells))
        return Ending(len(cells), counts)
    with (
        StopSignal() as stop,
        Pool(Recipe(trainer, config, options.device)) as pool,
    ):
        first = first_ready(pool, stop)
        if first is None:
            return Ending(len(cells), {})
        with _opened(url) as database:
            return _coordinate(database, Order(config, options, cells), pool, first, stop)


def _coordinate(
    database: Database, order: Order, pool: Pool, first: tuple[Worker, Ready], stop: StopSignal
) -> Ending:
    """Open the study, set up who runs it, and run it."""
    config, options = order.config, order.options
    worker, ready = first
    made_of = fingerprint(config, ready.data_hash, ready.device)
    study = open_study(
        database, options.study_name, config, made_of, accept_changes=options.accept_changes
    )
    study_id = database.optuna.get_study_id_from_name(study.study_name)
    trials = Trials(
        Runs(database.engine, study_id, this_process()),
        Mirror(study, database.optuna, distributions(config.arms)),
        Fingerprints(
            made_of.model_hash, made_of.data_hash, made_of.config_hash, made_of.environment
        ),
    )
    trials.reconcile()
    supply = Supply(trials, order.cells, _stack(options, ready))
    progress = Progress(
        standard_error(), len(order.cells), config.training.epochs, _best(database, study_id)
    )
    coordinator = Coordinator(trials, supply, pool, progress, order.spec)
    coordinator.take(worker, ready)
    left = len(order.cells) - Ending(len(order.cells), supply.counts()).finished
    for device in _devices_of_others(options, ready, math.ceil(left / supply.stack)):
        pool.start(device)
    coordinator.run(stop)
    return Ending(len(order.cells), supply.counts())


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    """The database, its schema made."""
    upgrade(url)
    database = Database(open_engine(url), open_optuna(url))
    try:
        yield database
    finally:
        database.engine.dispose()
        database.optuna.engine.dispose()


def _best(database: Database, study_id: int) -> dict[str, float]:
    """Highest value of each arm so far."""
    best: dict[str, float] = {}
    for row in queries.trial_rows(database.engine, study_id):
        if row.state == "complete" and row.value is not None:
            best[row.arm] = max(row.value, best.get(row.arm, row.value))
    return best


def _stack(options: RunOptions, ready: Ready) -> int:
    if options.stack != "auto":
        return options.stack
    return 1 if ready.device == "cpu" else GPU_STACK


def _devices_of_others(options: RunOptions, ready: Ready, jobs: int) -> list[str]:
    """Devices of the workers beside the first: no more of them than there are jobs."""
    one_each = _cores() if ready.device == "cpu" else len(ready.devices)
    count = min(options.workers or one_each, jobs)
    return [ready.devices[i % len(ready.devices)] for i in range(1, count)]


def _cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
