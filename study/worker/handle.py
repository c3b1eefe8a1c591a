"""A worker process as its coordinator sees it."""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection

from study.worker.log import WorkerLog
from study.worker.messages import Answer, Drop, Job, Order, Ready, Start
from study.worker.shortage import in_words, oom_kills
from study.worker.starter import Ending, Starter

END_SECONDS = 2.0
"""How long a process may take to end before it is killed."""


@dataclass(frozen=True)
class Gone:
    """The process has ended."""

    reason: str
    """How, e.g. "the worker was killed by SIGKILL"."""
    signal: int = 0
    """That killed it; 0 if none did, or it was we who sent it."""


class Worker:
    """One worker process. `multiprocessing.connection.wait` takes its `connection`."""

    def __init__(self, starter: Starter) -> None:
        """Start the process."""
        self.pid: int | None = None
        """Its process id, once it has said that it is ready."""
        self._log = WorkerLog()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = starter.start(theirs.fileno(), self._log.fileno())
            self.connection = Connection(ours.detach())
        self._logged = 0
        self._oom_kills = oom_kills()

    def start(self, order: Start) -> None:
        """Have the trainer made."""
        self._send(order)

    def train(self, job: Job) -> None:
        """Hand it a job; its log tail begins anew."""
        self._logged = self._log.size()
        self._oom_kills = oom_kills()
        self._send(job)

    def drop(self, keys: frozenset[str]) -> None:
        """Have it take trials out of its stack."""
        self._send(Drop(keys))

    def receive(self) -> Answer | Gone:
        """Wait for its next message, or its end."""
        try:
            answer: Answer = self.connection.recv()
        except (EOFError, OSError):
            return self._gone()
        if isinstance(answer, Ready):
            self.pid = answer.pid
        return answer

    def log_tail(self) -> str:
        """End of what it logged since its job began."""
        return self._log.tail(self._logged)

    def close(self) -> None:
        """Order the process to end; returns at once."""
        self.connection.close()

    def kill(self) -> None:
        """Kill the process and what it has started; that it is gone is told as any end is."""
        self._process.kill()

    def end(self, seconds: float = END_SECONDS) -> None:
        """Wait until the process has ended; kill it if that takes longer."""
        self.close()
        self._await_end(seconds)
        self._log.close()

    def _send(self, order: Order) -> None:
        """Send; that the process has ended is noticed when its answer is waited for."""
        try:
            self.connection.send(order)
        except OSError:
            return

    def _gone(self) -> Gone:
        ended = self._await_end(END_SECONDS) or Ending("the worker closed its connection")
        return Gone(in_words(ended, self._oom_kills, oom_kills()), ended.signal)

    def _await_end(self, seconds: float) -> Ending | None:
        """Say how the process ended by itself; None if it had to be killed."""
        ended = self._process.wait(seconds)
        if ended is None:
            self._process.kill()
            self._process.wait(math.inf)
        return ended
