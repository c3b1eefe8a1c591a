"""How worker processes come to be; here, each as an interpreter of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PROJECT = Path(__file__).parents[2]
_ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""A process a core with one thread each: more threads than cores cost several times the work.
It is also what lets a process that has imported torch be forked: it has one thread."""
_ENVIRONMENT["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
"""torch looks for GPUs without opening them, after which no fork could use them."""

_HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Tensors in pages of 2 MB where the system allows it: a step takes some percent less."""


@dataclass(frozen=True)
class Ending:
    """How a process has ended."""

    reason: str
    """In words, e.g. "the worker was killed by SIGKILL"."""
    signal: int = 0
    """That killed it; 0 if none did."""


class Process(Protocol):
    """A worker process."""

    def wait(self, seconds: float) -> Ending | None:
        """Wait for its end and say how it ended; None if it still runs after `seconds`."""
        ...

    def kill(self) -> None:
        """Kill it, and what it has started."""
        ...


class Starter(Protocol):
    """Starts worker processes."""

    @property
    def is_alive(self) -> bool:
        """Whether it can start another."""
        ...

    def start(self, connection: int, log: int) -> Process:
        """Start a worker that talks over one file descriptor and writes to the other."""
        ...

    def end(self) -> None:
        """Start no more. Workers still there may be killed."""
        ...


def ending(who: str, code: int) -> Ending:
    """How a process ended, from its exit code as `subprocess` gives it.

    >>> ending("the worker", 3).reason
    'the worker ended with exit code 3'
    >>> ending("the worker", -9)
    Ending(reason='the worker was killed by SIGKILL', signal=9)
    """
    if code >= 0:
        return Ending(f"{who} ended with exit code {code}")
    return Ending(f"{who} was killed by {signal.Signals(-code).name}", -code)


class Spawner:
    """Starts every worker as a new interpreter."""

    is_alive = True

    def __init__(self, factory: str) -> None:
        self._factory = factory

    def start(self, connection: int, log: int) -> Spawned:
        """Start a worker."""
        return Spawned(interpreter("study.worker", connection, self._factory, log))

    def end(self) -> None:
        """Nothing to do."""


class Spawned:
    """A worker that is a child of this process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, seconds: float) -> Ending | None:
        """Wait for its end."""
        try:
            return ending("the worker", self._process.wait(seconds))
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Kill its process group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def interpreter(module: str, connection: int, factory: str, log: int) -> subprocess.Popen[bytes]:
    """Start a module of ours as a process, in a session of its own."""
    identity = [str(connection), str(os.getpid()), factory]
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", module, *identity],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[connection],
        start_new_session=True,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    """This process's, with what workers need and the code that runs here found first."""
    path = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    tunables = [*filter(None, [os.environ.get("GLIBC_TUNABLES")]), _HUGE_PAGES]
    return {
        **os.environ,
        **_ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join(path),
        "GLIBC_TUNABLES": ":".join(tunables),
    }
