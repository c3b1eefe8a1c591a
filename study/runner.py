"""Puts together what runs a study, once its first worker is ready: database, study, coordinator,
the other workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from model.outcomes import TrialSpec
from storage import queries
from storage.engine import open_engine
from storage.histories import epoch_scores
from storage.optuna_schema import upgrade_and_open
from storage.rows import Fingerprints
from storage.runs import Runs
from study.arms import loss_config
from study.coordinator import Coordinator
from study.fingerprint import fingerprint
from study.holder import this_process
from study.known import cells_by_now, refs, write_down
from study.mirror import Mirror
from study.opening import Database, open_study
from study.output import standard_error
from study.progress import Progress
from study.pruning import Pruner
from study.rules import Rules
from study.space import distributions
from study.stages import Stages
from study.supply import Supply
from study.team import team_of
from study.trial import Trial
from study.trials import Trials
from study.watchdog import Limits

if TYPE_CHECKING:
    from storage.states import State
    from study.config import RunOptions, StudyConfig
    from study.stop import StopSignal
    from study.worker.handle import Worker
    from study.worker.messages import Ready
    from study.worker.pool import Pool

BUSY_SECONDS = 5.0
"""How long SQLite waits for another writer before the run takes that for an outage."""


@dataclass(frozen=True)
class Order:
    """What is to be run."""

    config: StudyConfig
    options: RunOptions
    stages: Stages

    def spec(self, trial: Trial) -> TrialSpec:
        """What a worker is told of a trial."""
        cell = trial.cell
        return TrialSpec(
            trial.key, loss_config(cell.arm, cell.params, self.config.loss), cell.repeat
        )


def run_cells(
    url: str, order: Order, pool: Pool, first: tuple[Worker, Ready], stop: StopSignal
) -> tuple[int, Mapping[State, int]]:
    """Run until every cell is finished, or told to stop.

    Args:
        url: of the storage, resolved; its tables are made if they are not there.
        order: what is to be run.
        pool: the workers; those that are to share the work are started.
        first: the one of them that is ready, and what it says.
        stop: tells to stop.

    Returns:
        How many cells there are in all stages begun, and how many of them are finished, by state.

    Raises:
        WorkerError: a worker that cannot start.
        MismatchError, UsageError: the study of this name is another.
        StorageError: the database cannot be used.
    """
    with _opened(url) as database:
        return _run(database, order, pool, first, stop)


def _run(
    database: Database, order: Order, pool: Pool, first: tuple[Worker, Ready], stop: StopSignal
) -> tuple[int, Mapping[State, int]]:
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
            made_of.model_hash, made_of.data_hash, made_of.training_hash, made_of.environment
        ),
    )
    trials.reconcile()
    write_down(database.engine, study_id, order.stages, ready)
    later = partial(cells_by_now, database.engine, study_id, order.stages)
    search = refs(order.stages.search)
    supply = Supply(trials, search, later)
    team = team_of(options, ready, supply.left() + order.stages.most_later)
    progress = Progress(
        standard_error(),
        supply.total(),
        config.training.epochs,
        _best(database, study_id),
        as_events=options.log_format == "json",
    )
    pruner = Pruner(config, search, partial(epoch_scores, database.engine, study_id))
    limits = Limits(options.stall_limit, options.trial_limit)
    rules = Rules(order.spec, team, pruner, limits, options.outage_limit)
    coordinator = Coordinator(trials, supply, pool, progress, rules)
    coordinator.take(worker, ready)
    for device in team.devices[1:]:
        pool.start(device)
    coordinator.run(stop)
    return supply.total(), supply.counts()


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    """The database, its schema made."""
    engine = open_engine(url, busy_seconds=BUSY_SECONDS)
    database = Database(engine, upgrade_and_open(url, busy_seconds=BUSY_SECONDS))
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
