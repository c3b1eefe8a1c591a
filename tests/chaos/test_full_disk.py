"""A disk that is full while a study runs, and has room again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.conditions import FULL, Conditions
from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Sqlite

FULL_SECONDS = 8.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_study_ends_well_once_there_is_room(
    service_of: MakeService, ends_well: EndsWell, tmp_path: Path
) -> None:
    service = service_of(Sqlite(tmp_path / "study.db"), trials=60)
    for _ in range(2):
        service.start(conditions=Conditions(faults=str(tmp_path)))
    service.until_all_train()
    service.until_finished(10)
    (tmp_path / FULL).touch()
    time.sleep(FULL_SECONDS)
    assert service.finished() < service.trials
    assert "its disk is full" in service.logs()
    (tmp_path / FULL).unlink()
    found = ends_well(service, "disk full", {"disk full": 1})
    assert found.attempts == found.finished
