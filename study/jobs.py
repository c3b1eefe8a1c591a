"""Who trains what: the workers that are ready, where they are, and the job of each."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from study.logs import about
from study.trial import Place, Trial
from study.watchdog import Watchdog
from study.worker.messages import Job, Ready

if TYPE_CHECKING:
    from model.outcomes import TrialSpec
    from study.watchdog import Limits, Overdue
    from study.worker.handle import Worker


log = logging.getLogger(__name__)


@dataclass
class _Ready:
    place: Place
    stack: int
    job: dict[str, Trial] = field(default_factory=dict)
    """By key; empty while it is idle."""


class Jobs:
    """The workers of one coordinator that are ready."""

    def __init__(self, limits: Limits) -> None:
        """Begin without any. `limits`: what time they have."""
        self._workers: dict[Worker, _Ready] = {}
        self._watchdog = Watchdog(limits)

    def __contains__(self, worker: Worker) -> bool:
        """Whether a worker is ready or trains."""
        return worker in self._workers

    def add(self, worker: Worker, ready: Ready, stack: int) -> None:
        """Take a worker in that is ready, and gets `stack` trials at most."""
        place = Place(f"{socket.gethostname()}:{ready.pid}", ready.device)
        self._workers[worker] = _Ready(place, stack)

    def remove(self, worker: Worker) -> Mapping[str, Trial]:
        """Let go of a worker that has ended or is to end. Returns what it trained."""
        job = self.end(worker, is_done=False) if self._workers[worker].job else {}
        del self._workers[worker]
        return job

    def idle(self) -> list[Worker]:
        """Workers that have no job."""
        return [worker for worker, ready in self._workers.items() if not ready.job]

    def begin(
        self, worker: Worker, trials: Mapping[str, Trial], specs: Sequence[TrialSpec]
    ) -> None:
        """Have a worker train."""
        self._workers[worker].job = dict(trials)
        self._watchdog.begins(worker)
        worker.train(Job(specs))
        for trial in trials.values():
            log.debug(
                "trial %d (%s) begins, attempt %d",
                trial.number,
                trial.cell.arm,
                trial.claim.attempt,
                extra=about(
                    event="trial_started",
                    trial=trial.number,
                    cell=trial.cell.hash,
                    arm=trial.cell.arm,
                    worker=self.place(worker).worker,
                ),
            )

    def end(self, worker: Worker, *, is_done: bool) -> Mapping[str, Trial]:
        """Take note that a job has ended, as it should or not. Returns its trials by key."""
        self._watchdog.ends(worker, is_done=is_done)
        job, self._workers[worker].job = self._workers[worker].job, {}
        return job

    def hear(self, worker: Worker) -> Mapping[str, Trial]:
        """Take note that a worker has done an epoch. Returns its trials by key."""
        self._watchdog.hears(worker)
        return self._workers[worker].job

    def of(self, worker: Worker) -> Mapping[str, Trial]:
        """Trials that a worker trains, by key; empty also if it is no longer there."""
        return self._workers[worker].job if worker in self._workers else {}

    def place(self, worker: Worker) -> Place:
        """Where a worker trains."""
        return self._workers[worker].place

    def stack(self, worker: Worker) -> int:
        """Most trials that a worker gets at once."""
        return self._workers[worker].stack

    def limit(self, worker: Worker, stack: int) -> None:
        """Have a worker get no more than so many trials at once."""
        self._workers[worker].stack = stack

    def trials(self) -> Iterator[tuple[Worker, Trial]]:
        """All trials in training."""
        for worker, ready in self._workers.items():
            for trial in ready.job.values():
                yield worker, trial

    def overdue(self) -> list[Overdue]:
        """Workers that are past a limit. The caller removes them."""
        return list(self._watchdog.overdue())
