"""Notices workers that make no progress: no epoch for long, or a job that does not end.

Limits that nobody has set come from what was seen: a multiple of the longest
epoch and of the longest job so far, far above what noise explains. Before the
first epoch there is nothing to go by but FIRST_SECONDS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from storage.states import Cause
    from study.worker.handle import Worker

FIRST_SECONDS = 1800.0
"""Until a first epoch was seen."""
EPOCH_FACTOR, SHORTEST_STALL = 20.0, 120.0
JOB_FACTOR, SHORTEST_JOB = 10.0, 600.0
LONGEST_LOOK = 30.0
"""Seconds between two looks that count. Where more have passed, this process did not run, or
the machine did not, and nobody could be heard."""


@dataclass(frozen=True)
class Limits:
    """What the user has set, in seconds; None leaves it to what was seen."""

    stall: float | None = None
    """Without an epoch."""
    trial: float | None = None
    """Of a trial in all."""


class Overdue(NamedTuple):
    """A worker that is past a limit."""

    worker: Worker
    cause: Cause
    reason: str


@dataclass
class _Watched:
    began: float
    heard: float


class Watchdog:
    """Keeps time of every job."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch nobody yet. `clock`: seconds that only go forward."""
        self._limits = limits
        self._clock = clock
        self._looked = clock()
        self._now = 0.0
        """Of a clock of its own, which stands still while this process does."""
        self._watched: dict[Worker, _Watched] = {}
        self._longest_epoch: float | None = None
        self._longest_job: float | None = None

    def begins(self, worker: Worker) -> None:
        """A worker got a job."""
        now = self._read()
        self._watched[worker] = _Watched(now, now)

    def hears(self, worker: Worker) -> None:
        """A worker has done an epoch."""
        now, watched = self._read(), self._watched[worker]
        self._longest_epoch = max(now - watched.heard, self._longest_epoch or 0.0)
        watched.heard = now

    def ends(self, worker: Worker, *, is_done: bool) -> None:
        """A worker's job has ended; how long it took counts if it was done."""
        watched = self._watched.pop(worker)
        if is_done:
            self._longest_job = max(self._read() - watched.began, self._longest_job or 0.0)

    def overdue(self) -> Iterator[Overdue]:
        """Workers that are past a limit. The caller ends their jobs."""
        now = self._read()
        for worker, watched in list(self._watched.items()):
            silent, took = now - watched.heard, now - watched.began
            if silent > self.stall_limit:
                reason = _reason("no epoch", silent, self.stall_limit, "--stall-limit")
                yield Overdue(worker, "stalled", reason)
            elif took > self.job_limit:
                reason = _reason("not at its end", took, self.job_limit, "--trial-limit")
                yield Overdue(worker, "deadline", reason)

    @property
    def stall_limit(self) -> float:
        """Seconds without an epoch after which a worker is overdue."""
        if self._limits.stall is not None:
            return self._limits.stall
        if self._longest_epoch is None:
            return FIRST_SECONDS
        return max(SHORTEST_STALL, EPOCH_FACTOR * self._longest_epoch)

    @property
    def job_limit(self) -> float:
        """Seconds after which a job is overdue; infinite as long as none was done."""
        if self._limits.trial is not None:
            return self._limits.trial
        if self._longest_job is None:
            return float("inf")
        return max(SHORTEST_JOB, JOB_FACTOR * self._longest_job)

    def _read(self) -> float:
        now = self._clock()
        self._now += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        return self._now


def _reason(what: str, found: float, limit: float, flag: str) -> str:
    return f"{what} after {found:.0f} s, at most {limit:.0f} s were given ({flag}); it was killed"
