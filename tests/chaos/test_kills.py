"""SIGKILL of whatever belongs to a study, at random moments."""

from __future__ import annotations

import random
import time
from contextlib import suppress

import psutil
import pytest

from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database
from tests.chaos.service import Service
from tests.chaos.victims import some_process

KILLS = {"worker": 40, "coordinator": 40, "fork server": 20}
COORDINATORS = 3
SEED = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def test_a_hundred_kills(database: Database, service_of: MakeService, ends_well: EndsWell) -> None:
    service = service_of(database)
    chance = random.Random(SEED)
    victims = [kind for kind, count in KILLS.items() for _ in range(count)]
    chance.shuffle(victims)
    for _ in range(COORDINATORS):
        service.start()
    for i, kind in enumerate(victims):
        service.until_finished(0.9 * service.trials * i / len(victims), revives=True)
        time.sleep(chance.uniform(0, 0.3))
        kill(service, kind, chance)
    found = ends_well(service, "kill -9", KILLS, revives=True)
    assert found.attempts > found.finished
    assert service.restarts >= KILLS["coordinator"]


def kill(service: Service, kind: str, chance: random.Random) -> None:
    """Kill one of the kind that is there."""
    while True:
        victim = some_process(service, kind, chance)
        with suppress(psutil.NoSuchProcess):
            if victim.status() != psutil.STATUS_ZOMBIE:
                victim.kill()
                return
