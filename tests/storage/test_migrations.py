"""Databases that released versions left are taken up, whatever ends an upgrade half-way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import make_url

from storage import queries, schema
from storage.audit import audit
from storage.engine import open_engine, reading
from storage.errors import SchemaError
from storage.optuna_schema import open_optuna
from storage.schema import check, head, revisions, upgrade
from study import status
from study.report.__main__ import main as report
from tests.storage.every_state import EPOCHS, FOLDS, NAME, SCORES, STATES
from tests.storage.processes import at_once, start
from tests.storage.schemas.dump import FOLDER, dump_of

BACKENDS = ("sqlite", "postgresql")
LATER = """
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{before}"
branch_labels = depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("fold_score") as table:
        table.add_column(sa.Column("doubled", sa.Double(), nullable=True))
    op.execute("UPDATE fold_score SET doubled = 2 * score")
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO later (id) VALUES (1)")
"""
"""A migration that changes tables and the rows in them, as a later version might."""


def load(url: str, sql: str) -> None:
    """Run a dump against an empty database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection:
            connection.executescript(sql)
        return
    with psycopg.connect(
        host=str(parsed.query["host"]), dbname=parsed.database, user=parsed.username
    ) as connection:
        connection.execute(sql.encode())


@pytest.fixture(params=revisions())
def released(request: pytest.FixtureRequest, backend: str, empty_url: str) -> str:
    """URL of a database that the version with this revision left."""
    load(empty_url, dump_of(backend, request.param).read_text())
    return empty_url


def test_every_revision_has_left_its_dumps() -> None:
    there = {path.name for path in FOLDER.glob("*.sql")}
    wanted = {dump_of(backend, revision).name for backend in BACKENDS for revision in revisions()}
    assert there == wanted, "run python -m tests.storage.schemas.dump"


def test_what_a_released_version_left_is_read(
    released: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upgrade(released) == head()
    found = audit(released)
    assert [(study.name, study.states) for study in found.studies] == [(NAME, STATES)]
    codes = {finding.code for finding in found.findings}
    assert codes == {"lease_ran_out", "running_without_claim"}  # of the trial that was running
    given = ["--storage", released, "--study-name", NAME]
    assert report([*given, "--format", "json"]) == 0
    json.loads(capsys.readouterr().out)
    for command, said in ((report, "2 complete"), (status.main, "1 running")):
        assert command(given) == 0
        assert said in capsys.readouterr().out


def test_values_are_what_they_were(released: str) -> None:
    upgrade(released)
    engine = open_engine(released)
    study = queries.study_by_name(engine, NAME)
    assert (study.config["folds"], study.config["training"]["epochs"]) == (FOLDS, EPOCHS)
    rows = queries.trial_rows(engine, study.study_id)
    assert [(row.state, row.attempt, row.cause, row.value) for row in rows] == [
        ("complete", 1, None, 0.625),
        ("pruned", 1, None, 0.1),
        ("retry", 1, "exception", None),
        ("failed", 2, "exception", None),
        ("released", 1, "interrupted", None),
        ("complete", 1, None, pytest.approx(0.65)),
        ("running", 1, None, None),
    ]
    assert rows[2].cell == rows[3].cell
    assert queries.log_tail(engine, rows[3].run_id) == "the log's end"
    first = rows[0].trial_id
    folds = [fold for fold in queries.fold_rows(engine, study.study_id) if fold.trial_id == first]
    assert tuple(fold.score for fold in folds) == SCORES
    oof = queries.oof_rows(engine, study.study_id, [first] if first is not None else [])
    assert [(row.predicted, row.sequence_ids) for row in oof] == [
        (bytes([k, 17]), ("é", "b")) for k in range(FOLDS)
    ]
    histories = queries.epoch_rows(engine, study.study_id, ["score", "weight_kl", "train_kl"])
    assert len(histories) == FOLDS * (2 * EPOCHS + 2 + 1)
    assert histories[:EPOCHS] == [
        (first, 0, epoch, 0.1 * epoch, 0.25, None) for epoch in range(EPOCHS)
    ]
    with reading(engine) as session:
        extra = session.scalar(text("SELECT extra FROM epoch_metric"))
    assert (json.loads(extra) if isinstance(extra, str) else extra) == {"temperature": 2.0}
    engine.dispose()
    _optuna_has_the_same(released)


def _optuna_has_the_same(url: str) -> None:
    storage = open_optuna(url, reads_only=True)
    trials = storage.get_all_trials(storage.get_study_id_from_name(NAME))
    names = ["COMPLETE", "PRUNED", "FAIL", "FAIL", "FAIL", "COMPLETE", "RUNNING"]
    assert [trial.state.name for trial in trials] == names
    assert trials[0].value == 0.625
    assert trials[0].intermediate_values == {epoch: 0.1 * epoch for epoch in range(EPOCHS)}
    assert trials[0].params["arm"] == trials[0].user_attrs["arm"] == "fixed"
    assert trials[3].user_attrs["reason"] == "ValueError: wrong"
    storage.engine.dispose()


def test_upgrades_at_once(released: str) -> None:
    at_once(8, _upgrade, released)
    assert upgrade(released) == head()


def _upgrade(_: int, url: str) -> None:
    upgrade(url)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Revision of a later version of the code, which is this one from here on."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema._MIGRATIONS, folder)
    (folder / "versions" / "9001_later.py").write_text(LATER.format(before=head()))
    monkeypatch.setattr(schema, "_MIGRATIONS", folder)
    return "9001"


def test_kill_9_during_an_upgrade_leaves_it_to_the_next(released: str, later: str) -> None:
    """Whatever statement it is, what is there afterwards is what was there before."""
    with pytest.raises(SchemaError, match="expected schema 9001, found the older"):
        check(open_engine(released))
    assert _killed_after_each_statement(released, lambda: _is_before(released)) >= 5
    assert upgrade(released) == later
    engine = open_engine(released)
    with reading(engine) as session:
        doubled = text("SELECT count(*) FROM fold_score WHERE doubled = 2 * score")
        assert session.scalar(doubled) == 2 * FOLDS
        assert session.scalar(text("SELECT count(*) FROM later")) == 1
    engine.dispose()


def _is_before(url: str) -> None:
    """Nothing of the later version is there."""
    engine = open_engine(url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM study_alembic_version"))
        assert version.scalar() == "0001"
        names = connection.execute(text("SELECT * FROM fold_score")).keys()
    engine.dispose()
    assert "doubled" not in names


def test_kill_9_while_the_tables_are_made_leaves_it_to_the_next(empty_url: str) -> None:
    assert _killed_after_each_statement(empty_url, lambda: None, step=3) > 3
    assert upgrade(empty_url) == head()
    engine = open_engine(empty_url)
    check(engine)
    engine.dispose()
    open_optuna(empty_url).engine.dispose()
    assert audit(empty_url).is_sound


def _killed_after_each_statement(url: str, check: Callable[[], None], step: int = 1) -> int:
    """Kill upgrades after their first statement, their second, and so on, until one ends.

    Returns how many were killed.
    """
    for killed in range(1000):
        process = start(_upgrade_and_die, url, 1 + killed * step)
        process.join(timeout=60)
        if process.exitcode == 0:
            return killed
        assert process.exitcode == -signal.SIGKILL
        check()
    raise AssertionError("an upgrade has no end")


def _upgrade_and_die(url: str, count: int) -> None:
    """Upgrade, and be killed after so many statements that change something."""
    left = count

    def executed(*arguments: object) -> None:
        nonlocal left
        statement = str(arguments[2]).lstrip().upper()
        if statement.startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", executed)
    upgrade(url)
