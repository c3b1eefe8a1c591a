"""The workers of one coordinator."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from study.errors import WorkerError
from study.logs import about
from study.stop import StopSignal
from study.worker.forks import starter_of
from study.worker.handle import END_SECONDS, Gone, Worker
from study.worker.messages import Answer, Ready, Refused, Start

log = logging.getLogger(__name__)

START_SECONDS = 1800.0
"""How long a worker may take to load its data and find its device."""
START_ATTEMPTS = 3
"""Workers in a row that may end while they start: killed from outside, or out of memory."""


@dataclass(frozen=True)
class Recipe:
    """What every worker makes its trainer from."""

    factory: str
    """"module:function" that makes a `study.worker.process.Trainer`."""
    settings: object
    device: str
    """As the user asked for it."""
    workers: int | None = None
    """As the user asked for them."""
    is_measured: bool = False
    """Whether workers find out how many trials they have room for."""


class Pool:
    """Worker processes: started, waited for, replaced, and ended with the pool."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._starter = starter_of(recipe.factory)
        self._device_of: dict[Worker, str] = {}
        self._starting: dict[Worker, float] = {}
        """Those not ready yet, and when they were started."""
        self._ended_starting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def __len__(self) -> int:
        return len(self._device_of)

    def start(self, device: str | None = None) -> Worker:
        """Start another worker, on the device asked for unless another is named."""
        recipe = self._recipe
        if not self._starter.is_alive:
            self._starter.end()
            self._starter = starter_of(recipe.factory)
        worker = Worker(self._starter)
        self._device_of[worker] = device or recipe.device
        self._starting[worker] = time.monotonic()
        worker.start(
            Start(recipe.settings, self._device_of[worker], recipe.workers, recipe.is_measured)
        )
        return worker

    def replace(self, worker: Worker) -> None:
        """End a worker and start another on its device."""
        device = self._device_of.pop(worker)
        self._starting.pop(worker, None)
        worker.end()
        self.start(device)

    def started(self, worker: Worker, answer: Answer | Gone) -> Ready | None:
        """Take the first answer of a worker; None if it has ended and another takes its place.

        Raises:
            WorkerError: it was refused its trainer, or START_ATTEMPTS in a row have ended.
        """
        self._starting.pop(worker, None)
        if not isinstance(answer, Gone):
            self._ended_starting = 0
            return ready_of(answer)
        self._ended_starting += 1
        if self._ended_starting == START_ATTEMPTS:
            raise WorkerError(f"{answer.reason} while it started\n{worker.log_tail()}".strip())
        log.warning(
            "%s while it started; another takes its place",
            answer.reason,
            extra=about(event="worker_lost"),
        )
        self.replace(worker)
        return None

    def kill_late(self, limit: float) -> None:
        """Kill workers that are not ready after so many seconds; their end is an answer."""
        late = time.monotonic() - limit
        for worker in [worker for worker, since in self._starting.items() if since < late]:
            log.warning(
                "a worker was not ready after %.0f s; it was killed",
                limit,
                extra=about(event="worker_late"),
            )
            self._starting[worker] = math.inf
            worker.kill()

    def answers(self, stop: StopSignal, timeout: float) -> list[tuple[Worker, Answer | Gone]]:
        """What the workers say, at the latest after `timeout` seconds or when told to stop."""
        of_connection = {worker.connection: worker for worker in self._device_of}
        ready = wait([*of_connection, stop.fileno()], timeout)
        return [
            (worker, worker.receive())
            for connection, worker in of_connection.items()
            if connection in ready
        ]

    def end(self) -> None:
        """End all workers, and kill those that do not end soon."""
        for worker in self._device_of:
            worker.close()
        kill_at = time.monotonic() + END_SECONDS
        for worker in self._device_of:
            worker.end(max(0.0, kill_at - time.monotonic()))
        self._device_of.clear()
        self._starting.clear()
        self._starter.end()


def ready_of(answer: Answer) -> Ready:
    """The first answer of a worker that has not ended.

    Raises:
        WorkerError: it is not that it is ready.
    """
    match answer:
        case Ready():
            return answer
        case Refused(message):
            raise WorkerError(message)
        case _:
            raise AssertionError(f"expected a worker's first answer, found {answer}")


def first_ready(pool: Pool, stop: StopSignal) -> tuple[Worker, Ready] | None:
    """Start one worker and wait until its trainer is made; None if told to stop before.

    Raises:
        WorkerError: data that cannot be used, a device that is not there, or a crash.
    """
    pool.start()
    while not stop.requested:
        pool.kill_late(START_SECONDS)
        for worker, answer in pool.answers(stop, timeout=1.0):
            ready = pool.started(worker, answer)
            if ready is not None:
                return worker, ready
    return None
