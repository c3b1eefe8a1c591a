"""Results that are delivered more than once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from storage import studies
from storage.engine import open_engine
from storage.runs import Runs
from storage.schema import upgrade
from tests.chaos.conditions import ANSWER_LOST, LOSSY, LOST_SHARE, Conditions
from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database, Postgresql, Sqlite
from tests.chaos.proxy import proxy
from tests.chaos.service import Service
from tests.storage.conftest import HOLDER, MADE_OF, OTHER, STUDY, cells, result
from tests.storage.processes import at_once

SEED = 3
AT_LEAST = 10
"""Answers that are lost; on average it is many more."""
WHAT = "answer to a commit lost"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_by_four_processes_at_once(database: Database) -> None:
    upgrade(database.url)
    engine = open_engine(database.url)
    studies.record(engine, STUDY)
    [claim] = Runs(engine, STUDY.study_id, HOLDER).claim(cells(1), 1, MADE_OF)
    assert Runs(engine, STUDY.study_id, HOLDER).attach({claim.run_id: (100, 0)}) == set()
    engine.dispose()
    at_once(4, deliver, database.url, claim.run_id)
    with engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM fold_score").scalar_one()
    engine.dispose()
    assert count == 2


def deliver(i: int, url: str, run_id: int) -> None:
    engine = open_engine(url)
    assert Runs(engine, STUDY.study_id, HOLDER).complete(run_id, result())
    assert not Runs(engine, STUDY.study_id, OTHER).complete(run_id, result(0.1))


def test_answers_to_commits_are_lost_on_the_way(
    own_postgresql: Postgresql, service_of: MakeService, ends_well: EndsWell
) -> None:
    service = service_of(own_postgresql, trials=60)
    with proxy(own_postgresql.server.folder, LOST_SHARE, SEED) as line:
        database = make_url(service.database.url).database
        for _ in range(2):
            service.start(url=f"postgresql+psycopg://study@/{database}?host={line.folder}")
        service.until_all_train()
        line.is_lossy = True
        _until_nearly_finished(service)
        line.is_lossy = False
        ends_well(service, WHAT, {"answer lost": line.lost})
        assert line.lost >= AT_LEAST


def test_commits_are_taken_for_failed_that_were_made(
    service_of: MakeService, ends_well: EndsWell, tmp_path: Path
) -> None:
    service = service_of(Sqlite(tmp_path / "study.db"), trials=60)
    for seed in range(2):
        service.start(conditions=Conditions(faults=str(tmp_path), seed=seed))
    service.until_all_train()
    (tmp_path / LOSSY).touch()
    _until_nearly_finished(service)
    (tmp_path / LOSSY).unlink()
    service.finish()
    lost = service.logs().count(ANSWER_LOST)
    ends_well(service, WHAT, {"answer lost": lost})
    assert lost >= AT_LEAST


def _until_nearly_finished(service: Service) -> None:
    service.until_finished(0.8 * service.trials)
