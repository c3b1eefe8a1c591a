"""Whatever ends an upgrade half-way, the next one makes it whole."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect, text

from storage import schema
from storage.audit import audit
from storage.engine import open_engine, reading
from storage.errors import SchemaError
from storage.optuna_schema import open_optuna
from storage.schema import check, head, upgrade
from tests.storage.every_state import FOLDS
from tests.storage.processes import start

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


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Revision of a later version of the code, which is this one from here on."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema._MIGRATIONS, folder)
    (folder / "versions" / "9001_later.py").write_text(LATER.format(before=head()))
    monkeypatch.setattr(schema, "_MIGRATIONS", folder)
    return "9001"


def test_kill_9_during_an_upgrade_leaves_it_to_the_next(
    released: str, revision: str, later: str
) -> None:
    """Whatever statement it is, what is there afterwards is what was there before."""
    with pytest.raises(SchemaError, match="expected schema 9001, found the older"):
        check(open_engine(released))
    assert _killed_after_each_statement(released, lambda: _is_before(released, revision)) >= 5
    assert upgrade(released) == later
    engine = open_engine(released)
    with reading(engine) as session:
        doubled = text("SELECT count(*) FROM fold_score WHERE doubled = 2 * score")
        assert session.scalar(doubled) == 2 * FOLDS
        assert session.scalar(text("SELECT count(*) FROM later")) == 1
    engine.dispose()


def _is_before(url: str, revision: str) -> None:
    """Nothing of a later version is there."""
    engine = open_engine(url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM study_alembic_version"))
        assert version.scalar() == revision
        names = connection.execute(text("SELECT * FROM fold_score")).keys()
        known = connection.execute(text("SELECT * FROM study_record")).keys()
        tables = inspect(connection).get_table_names()
    engine.dispose()
    assert "doubled" not in names
    assert ("stopping" in known) == ("study_truth" in tables) == (revision >= "0002")


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
