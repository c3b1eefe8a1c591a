"""What a study is doing at the moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage import queries
from study.report.attempts import Failure, failures, free_again, in_words
from study.report.text import WIDTH, params_in_words

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.queries import TrialRow


@dataclass(frozen=True)
class Running:
    """A trial somebody holds."""

    number: int | None
    """Optuna's; None in the moment between claim and trial."""
    arm: str
    params: Mapping[str, Any]
    repeat: int
    attempt: int
    host: str
    worker: str | None
    """None until a worker has it."""
    device: str | None
    since: str
    """ISO 8601, UTC."""
    silent: bool
    """Whether its lease has run out: who held it is gone, and the next run takes it up."""


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
    finished: int
    running: tuple[Running, ...]
    queue: tuple[Waiting, ...]
    failures: tuple[Failure, ...]


def read(engine: Engine, study_name: str) -> Activity:
    """Look at a study.

    Raises:
        StudyMissing: there is none of this name.
        StorageError: the database cannot be read.
    """
    identity = queries.study_by_name(engine, study_name)
    rows = queries.trial_rows(engine, identity.study_id)
    silent = queries.silent_runs(engine, identity.study_id)
    return Activity(
        study=identity.name,
        finished=sum(row.state in {"complete", "pruned", "failed"} for row in rows),
        running=tuple(
            _running(row, silent=row.run_id in silent) for row in rows if row.state == "running"
        ),
        queue=tuple(map(_waiting, free_again(rows))),
        failures=failures(rows),
    )


def as_json(activity: Activity) -> str:
    """The document, two spaces deep. The time left is not known here yet: null."""
    return json.dumps(asdict(activity) | {"time_left": None}, indent=2, allow_nan=False) + "\n"


def as_text(activity: Activity, now: float) -> str:
    """What runs, one trial a line; what waits; what failed. `now`: seconds since 1970."""
    lines = [
        f"study {activity.study!r}: {activity.finished} finished, "
        f"{len(activity.running)} running, {len(activity.queue)} waiting to run again"
    ]
    lines += [_running_line(trial, now) for trial in activity.running]
    lines += [_waiting_line(cell) for cell in activity.queue]
    lines += [in_words(failure, WIDTH) for failure in activity.failures]
    return "\n".join(lines) + "\n"


def _running(row: TrialRow, *, silent: bool) -> Running:
    return Running(
        number=row.number,
        arm=row.arm,
        params=row.params,
        repeat=row.repeat,
        attempt=row.attempt,
        host=row.host,
        worker=row.worker,
        device=row.device,
        since=datetime.fromtimestamp(row.started, UTC).isoformat(timespec="seconds"),
        silent=silent,
    )


def _waiting(attempts: Sequence[TrialRow]) -> Waiting:
    last = attempts[-1]
    return Waiting(
        arm=last.arm,
        params=last.params,
        repeat=last.repeat,
        failed_attempts=sum(row.state == "retry" for row in attempts),
        last_cause=last.cause,
    )


def _running_line(trial: Running, now: float) -> str:
    seconds = max(0.0, now - datetime.fromisoformat(trial.since).timestamp())
    name = "trial -" if trial.number is None else f"trial {trial.number}"
    where = ", ".join(filter(None, (trial.worker or "no worker yet", trial.device)))
    lines = [
        f"running {name}: {_cell(trial.arm, trial.params, trial.repeat)}",
        f"  on {trial.host} ({where}) for {_duration(seconds)}, attempt {trial.attempt}",
    ]
    if trial.silent:
        lines.append("  not heard from any more: the next run of the study takes it up")
    return "\n".join(lines)


def _waiting_line(cell: Waiting) -> str:
    cause = f", last {cell.last_cause}" if cell.last_cause else ""
    described = _cell(cell.arm, cell.params, cell.repeat)
    return f"waiting: {described}\n  failed attempts {cell.failed_attempts}{cause}"


def _cell(arm: str, params: Mapping[str, Any], repeat: int) -> str:
    words = [arm, params_in_words(params), f"repeat={repeat}" if repeat else ""]
    return " ".join(filter(None, words))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
