"""A worker process as its coordinator sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from study.worker.log import WorkerLog
from study.worker.messages import Answer, Drop, Job, Order, Start

PROJECT = Path(__file__).parents[2]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""A process a core with one thread each: more threads than cores cost several times the work."""
END_SECONDS = 2.0
"""How long a process may take to end before it is killed."""


@dataclass(frozen=True)
class Gone:
    """The process has ended."""

    reason: str
    """How, e.g. "the worker was killed by SIGKILL"."""


class Worker:
    """One worker process. `multiprocessing.connection.wait` takes its `connection`."""

    def __init__(self, factory: str) -> None:
        """Start the process.

        Args:
            factory: "module:function" that makes its `Trainer` from the settings it is sent.
        """
        self._log = WorkerLog()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                _command(theirs.fileno(), factory),
                stdin=subprocess.DEVNULL,
                stdout=self._log.fileno(),
                stderr=self._log.fileno(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=_environment(),
            )
            self.connection = Connection(ours.detach())
        self._logged = 0

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def start(self, settings: object, device: str) -> None:
        """Have the trainer made, for that device."""
        self._send(Start(settings, device))

    def train(self, job: Job) -> None:
        """Hand it a job; its log tail begins anew."""
        self._logged = self._log.size()
        self._send(job)

    def drop(self, keys: frozenset[str]) -> None:
        """Have it take trials out of its stack."""
        self._send(Drop(keys))

    def receive(self) -> Answer | Gone:
        """Wait for its next message, or its end."""
        try:
            answer: Answer = self.connection.recv()
        except (EOFError, OSError):
            return Gone(self._exit())
        return answer

    def log_tail(self) -> str:
        """End of what it logged since its job began."""
        return self._log.tail(self._logged)

    def close(self) -> None:
        """Order the process to end; returns at once."""
        self.connection.close()

    def end(self, seconds: float = END_SECONDS) -> None:
        """Wait until the process has ended; kill it if that takes longer."""
        self.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _send(self, order: Order) -> None:
        """Send; that the process has ended is noticed when its answer is waited for."""
        try:
            self.connection.send(order)
        except OSError:
            return

    def _exit(self) -> str:
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return "the worker closed its connection"
        if code >= 0:
            return f"the worker ended with exit code {code}"
        return f"the worker was killed by {signal.Signals(-code).name}"


def _command(descriptor: int, factory: str) -> list[str]:
    identity = [str(descriptor), str(os.getpid()), factory]
    return [sys.executable, "-m", "study.worker", *identity]


def _environment() -> dict[str, str]:
    """This process's, with one thread a worker and the code that runs here found first."""
    path = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(path)}
