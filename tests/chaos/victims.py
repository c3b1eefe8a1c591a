"""Processes of a study that something may be done to."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress

import psutil

from tests.chaos.service import Service
from tests.study.commands import fork_servers_of, workers_of

KINDS: Mapping[str, Callable[[int], list[psutil.Process]]] = {
    "coordinator": lambda pid: [psutil.Process(pid)],
    "worker": workers_of,
    "fork server": fork_servers_of,
}
"""Processes of each kind that a coordinator has, itself included."""


def some_process(service: Service, kind: str, chance: random.Random) -> psutil.Process:
    """One that runs now, whichever; coordinators that were killed are started anew meanwhile."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        service.revive()
        alive = [each for each in service.coordinators if each.is_alive]
        with suppress(psutil.Error):
            found[:] = [process for each in alive for process in KINDS[kind](each.pid)]
        return bool(found)

    service.until(is_there)
    return chance.choice(found)
