"""What the same call may survive later is told from what it will not."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import studies
from storage.engine import open_engine, writing
from storage.errors import SchemaMissing, StorageError, UnavailableError
from storage.translation import translation
from tests.storage.conftest import STUDY

URL = make_url("postgresql+psycopg://u:secret@h/db")


def told(code: str, words: str = "it said so") -> StorageError | None:
    """What is made of an error of PostgreSQL."""
    error = psycopg.errors.lookup(code)(words)
    wrapped = DBAPIError.instance(
        "SELECT 1", None, error, psycopg.Error, dialect=URL.get_dialect()()
    )
    assert isinstance(wrapped, DBAPIError)
    return translation(URL, wrapped)


@pytest.mark.parametrize(
    "code",
    [
        *("08006", "25P03", "40001", "40P01", "53100", "53200", "53300"),
        *("55P03", "57014", "57P01", "57P02", "57P03", "57P05", "58030"),
    ],
)
def test_what_passes_is_transient(code: str) -> None:
    error = told(code)
    assert isinstance(error, UnavailableError)
    assert error.transient
    assert str(error) == "storage postgresql+psycopg://u:***@h/db: it said so"


@pytest.mark.parametrize("code", ["25006", "42501", "58P01", "XX001", "57P04"])
def test_what_does_not_pass_is_not(code: str) -> None:
    error = told(code)
    assert isinstance(error, UnavailableError)
    assert not error.transient


@pytest.mark.parametrize("code", ["22001", "23505", "42601", "42703"])
def test_a_mistake_in_a_statement_stays_what_it_is(code: str) -> None:
    assert told(code) is None


def test_tables_that_are_not_there_are_told() -> None:
    assert isinstance(told("42P01"), SchemaMissing)


def test_a_role_that_may_not_is_named() -> None:
    words = "permission denied for table trial_run"
    assert str(told("42501", words)).endswith(
        "role 'u' lacks a right: permission denied for table trial_run; use a role that has it, "
        "or have its owner run python -m storage roles"
    )


def test_a_password_in_what_a_driver_says_is_masked() -> None:
    assert "secret" not in str(told("57P01", "no answer from postgresql://u:secret@h/db"))


def test_a_pool_that_is_used_up_is_transient() -> None:
    error = translation(URL, PoolTimeout("QueuePool limit of size 2 overflow 8 reached"))
    assert isinstance(error, UnavailableError)
    assert error.transient


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
        (sqlite3.SQLITE_LOCKED, True),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_IOERR_WRITE, True),
        (sqlite3.SQLITE_PROTOCOL, True),
        (sqlite3.SQLITE_CANTOPEN, False),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_CORRUPT, False),
        (sqlite3.SQLITE_NOTADB, False),
        (sqlite3.SQLITE_PERM, False),
    ],
)
def test_sqlite(code: int, transient: bool, tmp_path: Path) -> None:
    cause = sqlite3.OperationalError("it said so")
    cause.sqlite_errorcode = code
    error = translation(make_url(f"sqlite:///{tmp_path}/study.db"), cause)
    assert isinstance(error, UnavailableError)
    assert error.transient == transient


def fail(engine: Engine, statement: str) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught, writing(engine) as session:
        session.execute(text(statement))
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_full_disk_passes_when_there_is_room(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    fill = "UPDATE study_record SET name = hex(zeroblob(1000000))"
    studies.record(engine, STUDY)
    with engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    assert "disk is full" in str(fail(engine, fill))
    assert fail(engine, fill).transient
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    with writing(engine) as session:
        session.execute(text(fill))
    engine.dispose()


def test_too_many_open_files_pass(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open() as file:
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno(), hard))
        try:
            error = fail(engine, "DELETE FROM study_record")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert error.transient
    assert "too many files open" in str(error)
    studies.record(engine, STUDY)
    engine.dispose()


def test_a_database_that_only_may_be_read_says_so(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    assert "may not be written" in str(fail(engine, "DELETE FROM study_record"))
    engine.dispose()
