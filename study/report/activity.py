"""What a study is doing at the moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from storage import queries
from storage.running import signs_of_life
from storage.states import FINISHED
from study.holder import is_alive
from study.report.attempts import Failure, failures, free_again, released
from study.report.estimate import PlanLeft, plan_left, seconds_left

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.queries import TrialRow
    from storage.studies import StudyIdentity


@dataclass(frozen=True)
class Running:
    """A trial somebody holds. Times are ISO 8601, UTC, by the database's clock."""

    number: int | None
    """Optuna's; None in the moment between claim and trial."""
    cell: str
    arm: str
    params: Mapping[str, Any]
    repeat: int
    attempt: int
    epoch: int
    """Epochs it has done and written."""
    epochs: int | None
    """Epochs it is to do, as the study was made."""
    host: str
    worker: str | None
    """None until a worker has it."""
    device: str | None
    since: str
    heard: str | None
    """When its coordinator last said that it goes on; None if it ended while one looked."""
    quiet_seconds: float | None
    """Since then."""
    silent: bool
    """Whether nothing more is to be heard: who held it is gone, and the next run takes it up."""


@dataclass(frozen=True)
class Waiting:
    """A cell that was tried or begun before and is free again."""

    arm: str
    params: Mapping[str, Any]
    repeat: int
    failed_attempts: int
    last_cause: str | None


@dataclass(frozen=True)
class Activity:
    """What runs, what waits, what failed."""

    study: str
    seen: str
    """When this was so: ISO 8601, UTC, by the database's clock."""
    finished: int
    finished_by_state: Mapping[str, int]
    running: tuple[Running, ...]
    queue: tuple[Waiting, ...]
    plan: PlanLeft | None
    """Of a plan, a command may have been asked for the first cells only, which only it knows.
    None where another version of this project made the study."""
    failures: tuple[Failure, ...]
    released: Mapping[str, int]
    """Attempts that were given back, by cause: interrupted, or taken from who was gone."""
    device_seconds: float
    """Of all attempts that have ended."""
    time_left: float | None
    """Seconds for what runs and waits in the queue; None if not known."""
    time_left_plan: float | None
    """Seconds for the whole plan; None if not known."""


def read(engine: Engine, study_name: str) -> Activity:
    """Look at a study. It needs to read only, and disturbs nobody who writes.

    Raises:
        StudyMissing: there is none of this name.
        StorageError: the database cannot be read.
    """
    identity = queries.study_by_name(engine, study_name)
    rows = queries.trial_rows(engine, identity.study_id)
    running, now = _all_running(engine, identity, rows)
    queue = tuple(map(_waiting, free_again(rows)))
    plan = plan_left(identity.config, {row.cell for row in rows})
    cost = _cost(rows)
    workers = {(trial.host, trial.worker) for trial in running if _trains(trial)}
    begun = len(queue) + sum(_part_left(trial) for trial in running)
    not_begun = None if plan is None else plan.not_begun
    return Activity(
        study=identity.name,
        seen=_iso(now),
        finished=sum(row.state in FINISHED for row in rows),
        finished_by_state={state: sum(r.state == state for r in rows) for state in FINISHED},
        running=running,
        queue=queue,
        plan=plan,
        failures=failures(rows),
        released=released(rows),
        device_seconds=sum(row.device_seconds or 0.0 for row in rows),
        time_left=seconds_left(begun, cost, len(workers)),
        time_left_plan=(
            None if not_begun is None else seconds_left(begun + not_begun, cost, len(workers))
        ),
    )


def as_json(activity: Activity) -> str:
    """The document, two spaces deep. What is not known is null."""
    return json.dumps(asdict(activity), indent=2, allow_nan=False) + "\n"


def _all_running(
    engine: Engine, identity: StudyIdentity, rows: Sequence[TrialRow]
) -> tuple[tuple[Running, ...], float]:
    """The running trials, and when that was so, by the database's clock."""
    silent = queries.silent_runs(engine, identity.study_id, is_alive)
    signs = signs_of_life(engine, identity.study_id)
    training = identity.config.get("training")
    epochs = training.get("epochs") if isinstance(training, Mapping) else None

    def running(row: TrialRow) -> Running:
        sign = signs.of_run.get(row.run_id)
        return Running(
            number=row.number,
            cell=row.cell,
            arm=row.arm,
            params=row.params,
            repeat=row.repeat,
            attempt=row.attempt,
            epoch=0 if sign is None else sign.epochs,
            epochs=epochs,
            host=row.host,
            worker=row.worker,
            device=row.device,
            since=_iso(row.started),
            heard=None if sign is None else _iso(sign.heard),
            quiet_seconds=None if sign is None else max(0.0, signs.now - sign.heard),
            silent=row.run_id in silent,
        )

    return tuple(running(row) for row in rows if row.state == "running"), signs.now


def _waiting(attempts: Sequence[TrialRow]) -> Waiting:
    last = attempts[-1]
    return Waiting(
        arm=last.arm,
        params=last.params,
        repeat=last.repeat,
        failed_attempts=sum(row.state == "retry" for row in attempts),
        last_cause=last.cause,
    )


def _cost(rows: Sequence[TrialRow]) -> float | None:
    """Device-seconds of a trial of this study, as those that ran to their end have shown."""
    seconds = [row.device_seconds for row in rows if row.state == "complete"]
    known = [s for s in seconds if s is not None]
    return median(known) if known else None


def _trains(trial: Running) -> bool:
    return trial.worker is not None and not trial.silent


def _part_left(trial: Running) -> float:
    """Of a trial; one that is silent begins again."""
    if trial.silent or not trial.epochs:
        return 1.0
    return 1 - min(trial.epoch, trial.epochs) / trial.epochs


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
