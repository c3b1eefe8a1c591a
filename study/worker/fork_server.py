"""The process that workers are forked from.

It imports what they need and then does what it is asked: start a worker, say
whether one runs or how it has ended, kill one. It starts no thread and opens no
device, so that a fork of it is whole. When it ends, its workers are killed; it
ends when its coordinator does.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from study.worker.forks import KILLED, LOADED, LONGEST, RUNNING
from study.worker.process import end_with, work
from study.worker.starter import Ending, ending


def main(arguments: Sequence[str]) -> None:
    """Serve the coordinator: `<file descriptor> <its process id> <module:factory>`."""
    descriptor, coordinator, factory = arguments
    end_with(int(coordinator))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(Exception):  # a worker meets it again, and can tell
        pkgutil.resolve_name(factory)
    gc.freeze()  # workers need not look through it when they collect, nor copy its pages
    with socket.socket(fileno=int(descriptor)) as requests:
        requests.send(LOADED.encode())
        Nursery(requests, factory).serve()


class Nursery:
    """The workers forked here, by number."""

    def __init__(self, requests: socket.socket, factory: str) -> None:
        self._requests = requests
        self._factory = factory
        self._running: dict[int, int] = {}
        """Process ids."""
        self._ended: dict[int, Ending] = {}
        """How they ended."""

    def serve(self) -> None:
        """Do what is asked until nobody is left to ask."""
        while True:
            request, descriptors, _, _ = socket.recv_fds(self._requests, LONGEST, 2)
            if not request:
                return
            verb, _, number = request.decode().partition(" ")
            match verb:
                case "start":
                    self._start(int(number), *descriptors)
                case "kill":
                    self._kill(int(number))
                    self._requests.send(KILLED.encode())
                case _:
                    self._requests.send(self._state(int(number)).encode())

    def _start(self, number: int, connection: int, log: int) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._ended[number] = Ending(f"the worker could not be started: {error}")
        else:
            if pid == 0:
                self._requests.close()
                _become_worker(connection, log, server, self._factory)
            self._running[number] = pid
        os.close(connection)
        os.close(log)

    def _state(self, number: int) -> str:
        if number in self._running:
            pid, status = os.waitpid(self._running[number], os.WNOHANG)
            if pid == 0:
                return RUNNING
            del self._running[number]
            self._ended[number] = ending("the worker", os.waitstatus_to_exitcode(status))
        ended = self._ended[number]
        return f"{ended.signal} {ended.reason}"

    def _kill(self, number: int) -> None:
        """Kill a worker and its process group, which it may not lead yet."""
        for kill in (os.kill, os.killpg):
            if number in self._running:
                with suppress(ProcessLookupError):
                    kill(self._running[number], signal.SIGKILL)


def _become_worker(connection: int, log: int, server: int, factory: str) -> NoReturn:
    """Go on as a worker, in a session of its own, writing to its own log."""
    try:
        os.setsid()
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        os.close(log)
        work(connection, server, factory)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
