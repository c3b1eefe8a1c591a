"""That each role can do its work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
from alembic import command
from sqlalchemy import text

from storage import queries, studies
from storage.audit import audit
from storage.engine import open_engine, reading, writing
from storage.rights import WORKER_RIGHTS
from storage.roles import Roles, make_roles
from storage.schema import alembic_config, head, upgrade
from storage.truth import record_truth, truth
from study import run, status
from study.report.__main__ import main as report
from study.web.application import application
from tests.storage.every_state import MADE_OF, NAME, STOPPING, TRUTH, write_every_state
from tests.storage.postgres import USER
from tests.storage.roles.secured import PASSWORDS, Secured
from tests.study.commands import flags
from tests.study.trainers import STEADY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def test_rights_are_said_of_every_table_there_is(secured: Secured) -> None:
    engine = open_engine(secured.admin)
    tables = text("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'")
    with reading(engine) as session:
        owners = {row.tablename: row.tableowner for row in session.execute(tables)}
    assert owners.pop("of_somebody_else") == USER
    assert owners == dict.fromkeys(WORKER_RIGHTS, "study_owner")


def test_a_worker_runs_a_study_that_a_viewer_sees(
    secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    url = secured.url("worker")
    assert run.main([*map(str, flags(url, 3)), "--study-name", "run by a worker"], STEADY) == 0
    assert run.main([*map(str, flags(url, 4)), "--study-name", "run by a worker"], STEADY) == 0
    assert audit(secured.url("viewer"), "run by a worker").studies[0].states == {"complete": 4}
    given = ["--storage", secured.url("viewer"), "--study-name", "run by a worker"]
    capsys.readouterr()
    for main, said in ((report, "4 complete"), (status.main, "4 finished")):
        assert main(given) == 0
        assert said in capsys.readouterr().out


def test_an_older_database_is_upgraded_by_its_owner_only(
    secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(secured.url("owner"))
    with writing(engine) as session:
        command.downgrade(alembic_config(session.connection()), "-1")
    engine.dispose()
    try:
        assert run.main([*map(str, flags(secured.url("worker"), 1))], STEADY) == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "or have its owner run python -m storage upgrade\n" in said
    finally:
        assert upgrade(secured.url("owner")) == head()
    worker, viewer = open_engine(secured.url("worker")), open_engine(secured.url("viewer"))
    study_id = queries.study_by_name(viewer, NAME).study_id
    assert truth(viewer, study_id, MADE_OF.data) is None
    record_truth(worker, study_id, MADE_OF.data, TRUTH)
    assert studies.fix_stopping(worker, study_id, STOPPING) == STOPPING
    assert truth(viewer, study_id, MADE_OF.data) == TRUTH
    assert studies.stopping(viewer, study_id) == STOPPING
    worker.dispose()
    viewer.dispose()
    make_roles(secured.admin, Roles(), dict.fromkeys(PASSWORDS))


def test_a_viewer_serves_the_dashboard(secured: Secured) -> None:
    serve = application(secured.url("viewer"), allow_writes=False)
    listed = answer(serve, "/api/studies")["study_summaries"]
    [study_id] = [s["study_id"] for s in listed if s["study_name"] == "every state"]
    assert len(answer(serve, f"/api/studies/{study_id}")["trials"]) == 7


def answer(serve: WSGIApplication, path: str) -> dict[str, Any]:
    """What a page of the dashboard says."""
    environ: dict[str, Any] = {"HTTP_HOST": "127.0.0.1", "PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], None]:
        statuses.append(status)
        return bytearray().extend

    body = b"".join(serve(environ, start_response))
    assert statuses == ["200 OK"]
    answered: dict[str, Any] = json.loads(body)
    return answered


def test_a_study_deleted_in_optuna_is_forgotten_by_a_worker(
    secured: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    write_every_state(secured.url("worker"), "deleted")
    secured.server.psql(
        secured.name, "UPDATE studies SET study_name = 'x' WHERE study_name = 'deleted'"
    )
    assert (
        run.main([*map(str, flags(secured.url("worker"), 1)), "--study-name", "new"], STEADY) == 0
    )
    assert {s.name for s in audit(secured.admin).studies} >= {"new", "every state"}
    assert "deleted" not in {s.name for s in audit(secured.admin).studies}


def test_the_owner_upgrades(secured: Secured) -> None:
    assert upgrade(secured.url("owner")) == head()
