"""What a study is doing, as text to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from study.progress import duration
from study.report.activity import Activity, Running, Waiting
from study.report.attempts import in_words
from study.report.text_table import WIDTH
from study.report.wording import params_in_words


def render(activity: Activity) -> str:
    """What runs, what waits, what failed, what is left."""
    return "\n".join(_lines(activity)) + "\n"


def _lines(activity: Activity) -> Iterator[str]:
    yield (
        f"study {activity.study!r}: {activity.finished} finished, "
        f"{len(activity.running)} running, {len(activity.queue)} waiting to run again"
    )
    if activity.plan is None:
        yield "plan: not known, another version of this project made the study"
    else:
        yield f"plan: {activity.plan.cells} cells, {activity.plan.not_begun} not begun"
    yield (
        f"time left: {_left(activity.time_left)} for what runs and waits, "
        f"{_left(activity.time_left_plan)} for the whole plan"
    )
    yield f"device time so far: {duration(activity.device_seconds)}"
    now = datetime.fromisoformat(activity.seen)
    yield from (_running(trial, now) for trial in activity.running)
    yield from map(_waiting, activity.queue)
    yield from (in_words(failure, WIDTH) for failure in activity.failures)
    if activity.released:
        counts = (f"{cause} {count}" for cause, count in activity.released.items())
        yield f"given back, which is no failure: {', '.join(counts)}"


def _left(seconds: float | None) -> str:
    return "not known" if seconds is None else f"about {duration(seconds)}"


def _running(trial: Running, now: datetime) -> str:
    name = "trial -" if trial.number is None else f"trial {trial.number}"
    where = ", ".join(filter(None, (trial.worker or "no worker yet", trial.device)))
    ran = _clock((now - datetime.fromisoformat(trial.since)).total_seconds())
    lines = [
        f"running {name}: {_cell(trial.arm, trial.params, trial.repeat)}",
        f"  on {trial.host} ({where}) for {ran}, attempt {trial.attempt}",
    ]
    if trial.quiet_seconds is not None:
        of = "" if trial.epochs is None else f" of {trial.epochs}"
        lines.append(f"  epoch {trial.epoch}{of}, heard {_clock(trial.quiet_seconds)} ago")
    if trial.silent:
        lines.append("  not heard from any more: the next run of the study takes it up")
    return "\n".join(lines)


def _waiting(cell: Waiting) -> str:
    cause = f", last {cell.last_cause}" if cell.last_cause else ""
    described = _cell(cell.arm, cell.params, cell.repeat)
    return f"waiting: {described}\n  failed attempts {cell.failed_attempts}{cause}"


def _cell(arm: str, params: Mapping[str, Any], repeat: int) -> str:
    words = [arm, params_in_words(params), f"repeat={repeat}" if repeat else ""]
    return " ".join(filter(None, words))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
