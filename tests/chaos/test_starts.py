"""Coordinators that start all at once share out a study."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database

COORDINATORS = 8

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_eight_on_an_empty_database(
    database: Database, service_of: MakeService, ends_well: EndsWell
) -> None:
    service = service_of(database)
    for _ in range(COORDINATORS):
        service.start(workers=1)
    found = ends_well(service, f"{COORDINATORS} coordinators start at once", {})
    assert found.attempts == found.finished == service.trials
    assert found.failed == 0
    assert len({row.worker for row in service.rows()}) == COORDINATORS
