"""Two coordinators whose clocks are an hour apart.

libfaketime sets the clock of a whole process. Where it cannot be used, only
what SQLite tells the time by is set: nothing else that decides asks for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.conditions import Conditions
from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database

HOUR = 3600.0
SLEEP_AND_TELL = """
import threading, time
time.sleep(0.01)
threading.Event().wait(0.01)
print(time.time())
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_an_hour_apart(
    database: Database, ahead: float, service_of: MakeService, ends_well: EndsWell
) -> None:
    env = _faketime(ahead)
    service = service_of(database, trials=40, pause=0.1)
    service.start()
    if env is None:
        service.start(conditions=Conditions(clock_ahead=ahead))
    else:
        service.start(env=env)
    service.until_all_train()
    where = "ahead" if ahead > 0 else "behind"
    found = ends_well(service, f"one of two clocks an hour {where}", {"clock set": 1})
    assert found.attempts == found.finished  # nobody took the other for dead


def _faketime(ahead: float) -> dict[str, str] | None:
    """Environment of a process whose clock is ahead, if libfaketime is there and works.

    Not every version lets Python sleep while it leaves the monotonic clock alone.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is not None:
        for is_monotonic_kept in ("1", "0"):
            env = {
                "LD_PRELOAD": str(library),
                "FAKETIME": f"{ahead:+.0f}",
                "FAKETIME_DONT_FAKE_MONOTONIC": is_monotonic_kept,
                "NO_FAKE_STAT": "1",
            }
            if _tells_time(env, ahead):
                return env
    return None


def _tells_time(env: dict[str, str], ahead: float) -> bool:
    """Whether Python works in this environment, and its clock is ahead."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", SLEEP_AND_TELL],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=True,
            timeout=3,  # one that does not leave the monotonic clock alone may sleep for ever
        )
    except subprocess.SubprocessError:
        return False
    return abs(float(told.stdout) - time.time() - ahead) < 60
