"""Workers forked from one process, seen from the coordinator.

That process, `study.worker.fork_server`, has imported what they need: a worker,
also one that takes another's place, is there in milliseconds, and what was
imported is in memory once. Forking is safe on Linux; macOS has system libraries
that do not bear it.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress

from study.worker.log import WorkerLog
from study.worker.starter import Ending, Spawner, Starter, ending, interpreter

ANSWER_SECONDS = 30.0
"""After which a fork server that does not answer is killed. It answers in milliseconds."""
LOADED, RUNNING, KILLED = "loaded", "running", "killed"
"""What a fork server answers, beside how a worker has ended: the signal, or 0, and words."""
LONGEST = 4096
"""Bytes of a request or an answer."""


def starter_of(factory: str) -> Starter:
    """What starts workers here.

    Args:
        factory: "module:function" that makes their `Trainer` from the settings they are sent.
    """
    return ForkServer(factory) if sys.platform == "linux" else Spawner(factory)


class ForkServer:
    """The coordinator's end of `study.worker.fork_server`."""

    def __init__(self, factory: str) -> None:
        """Start the server; returns before it has imported anything."""
        self._log = WorkerLog()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = interpreter(
                "study.worker.fork_server", theirs.fileno(), factory, self._log.fileno()
            )
        self._has_loaded = False
        self._started = 0
        self._ending: Ending | None = None
        self._killed = False

    @property
    def is_alive(self) -> bool:
        """Whether the server runs."""
        return self._process.poll() is None

    def start(self, connection: int, log: int) -> Forked:
        """Have a worker forked as soon as the server has imported what it needs."""
        self._started += 1
        with suppress(OSError):  # it has ended, which its worker's connection tells
            request = f"start {self._started}".encode()
            socket.send_fds(self._requests, [request], [connection, log])
        return Forked(self, self._started)

    def ask(self, request: str) -> str | None:
        """Have a request answered; None if the server has ended.

        Only ends are asked about. A server that still imports by then has forked
        no worker yet, and need not: it is killed.
        """
        try:
            if not self._has_loaded:
                self._has_loaded = self._loads()
            self._requests.send(request.encode())
            return self._requests.recv(LONGEST).decode() or None
        except OSError:
            self._kill()
            return None

    def how_it_ended(self) -> Ending:
        """What took all its workers with it; waits until it has."""
        if self._ending is None:
            ended = ending("the process that workers are forked from", self._process.wait())
            last = self._log.tail().splitlines()[-1:]
            by_others = 0 if self._killed else ended.signal
            self._ending = Ending(": ".join([ended.reason, *last]), by_others)
            self._log.close()
        return self._ending

    def end(self) -> None:
        """End the server, whatever it is doing."""
        self._requests.close()
        self._kill()
        self.how_it_ended()

    def _kill(self) -> None:
        """Kill it, unless it has ended: how it did is not to be forgotten."""
        self._killed = self._killed or self.is_alive
        self._process.kill()

    def _loads(self) -> bool:
        """Take the server's word that it has loaded.

        Raises:
            OSError: it has not given it.
        """
        self._requests.settimeout(0)
        found = self._requests.recv(LONGEST) == LOADED.encode()
        self._requests.settimeout(ANSWER_SECONDS)
        return found


class Forked:
    """A worker that is a child of the server, known to both by a number.

    The server keeps what is left of a dead worker until it is asked, so no
    other process can get its id before.
    """

    def __init__(self, server: ForkServer, number: int) -> None:
        self._server = server
        self._number = number

    def wait(self, seconds: float) -> Ending | None:
        """Wait for its end."""
        give_up = time.monotonic() + seconds
        pause = 0.001
        while (state := self._server.ask(f"poll {self._number}")) == RUNNING:
            if time.monotonic() >= give_up:
                return None
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        if state is None:
            return self._server.how_it_ended()
        number, _, reason = state.partition(" ")
        return Ending(reason, int(number))

    def kill(self) -> None:
        """Kill its process group."""
        self._server.ask(f"kill {self._number}")
