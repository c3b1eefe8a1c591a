"""Databases that go away and come back."""

from __future__ import annotations

import time
from itertools import cycle
from pathlib import Path

import pytest

from storage import queries
from storage.engine import open_engine
from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database, Way
from tests.chaos.service import Service
from tests.chaos.trainer import EPOCHS, Noted, noted

AWAY_SECONDS = (0.0, 7.0, 1.0, 7.0, 0.0)
"""Each time. A single call goes on trying for 5 s; what takes longer is an outage."""
OUTAGE_SECONDS = 32.0
"""Longer than SQLite waits for a lock."""
WAYS: tuple[Way, Way] = ("fast", "immediate")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_five_times(database: Database, service_of: MakeService, ends_well: EndsWell) -> None:
    service = service_of(database, trials=100)
    for _ in range(2):
        service.start()
    service.until_all_train()
    already = service.finished()
    for i, (seconds, way) in enumerate(zip(AWAY_SECONDS, cycle(WAYS), strict=False)):
        service.until_finished(already + 10 * i)
        with database.away(way):
            time.sleep(seconds)
    assert service.finished() < service.trials
    what = "locked" if database.kind == "SQLite" else "restarted"
    found = ends_well(service, "database away, shortly", {what: len(AWAY_SECONDS)})
    assert found.attempts == found.finished


def test_thirty_seconds(
    database: Database, service_of: MakeService, ends_well: EndsWell, tmp_path: Path
) -> None:
    """Trainers go on; what they reported meanwhile is in the database afterwards."""
    service = service_of(database, trials=4, epochs=40, pause=0.5)
    journal = tmp_path / "epochs"
    journal.touch()
    coordinator = service.start(env={EPOCHS: str(journal)})
    service.until_all_train()
    service.until(lambda: len(noted(journal)) >= 10)
    with database.away():
        gone = time.time()
        time.sleep(OUTAGE_SECONDS)
        back = time.time()
    what = "locked" if database.kind == "SQLite" else "down"
    found = ends_well(service, "database away, 30 s", {what: 1})
    assert found.attempts == found.finished == service.trials
    meanwhile = [each for each in noted(journal) if gone + 1 < each.time < back - 1]
    assert len(meanwhile) >= 2 * service.epochs / 2
    assert _lacking(service, meanwhile) == []
    assert "the database is back" in coordinator.log()


def _lacking(service: Service, reported: list[Noted]) -> list[Noted]:
    """Those that are not in the database."""
    engine = open_engine(service.database.url)
    study_id = queries.study_by_name(engine, "study").study_id
    trial_of = {row.run_id: row.trial_id for row in queries.trial_rows(engine, study_id)}
    there = {(trial, epoch) for trial, _, epoch in queries.epoch_rows(engine, study_id, ())}
    engine.dispose()
    return [each for each in reported if (trial_of[each.run], each.epoch) not in there]
