"""Creating, migrating and checking the schema, Optuna's included.

Only `upgrade` changes a schema, and only one process at a time: it holds a file
lock beside an SQLite file (`study.db.lock`, left there empty: removing it could
split those who wait for it) or an advisory lock in PostgreSQL.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, inspect, select, text

from storage.engine import BUSY_SECONDS, open_engine, reading, translated, writing
from storage.errors import SchemaError, SchemaMissing, SchemaTooNew, UnavailableError
from storage.url import masked, sqlite_path

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from alembic.config import Config
    from sqlalchemy import Connection, Engine

VERSION_TABLE = "study_alembic_version"
LOCK_SECONDS = 60.0
"""How long one process waits for another's upgrade."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x5354554459  # "STUDY"; any number, the same in every version
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))


def upgrade(url: str) -> str:
    """Create or migrate the tables of this project and Optuna's. Returns the revision.

    Safe to run twice and at the same time. Each schema changes in one transaction.

    Raises:
        UrlError, UnavailableError: the database cannot be used.
        SchemaTooNew: it was made by newer code, ours or Optuna's; nothing is changed.
    """
    from storage.optuna_schema import make_schema

    with upgrading(url):
        make_schema(url).engine.dispose()
    return head()


@contextmanager
def upgrading(url: str) -> Iterator[None]:
    """An upgrade (see there) whose body makes or migrates Optuna's tables."""
    engine = open_engine(url)
    try:
        with schema_lock(engine):
            _create_file(engine)
            revision = _revision(engine)
            _refuse_newer(engine, revision)
            yield
            if revision != head():
                _migrate(engine)
    finally:
        engine.dispose()


def check(engine: Engine) -> None:
    """Check that the tables are those this code knows.

    Raises:
        SchemaMissing: there are none yet.
        SchemaTooNew: they were made by newer code.
        SchemaError: they were made by older code and wait for an upgrade.
    """
    with reading(engine) as session:
        revision = session.scalar(select(_version.c.version_num))
    where = f"storage {masked(engine.url)}"
    if revision is None:
        raise SchemaMissing(
            f"{where}: expected a schema version, found none; run python -m storage upgrade"
        )
    _refuse_newer(engine, revision)
    if revision != head():
        raise SchemaError(
            f"{where}: expected schema {head()}, found the older {revision}; "
            "run python -m storage upgrade"
        )


def revisions() -> list[str]:
    """Known revisions, oldest first: the numbers that migrations' file names start with."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def head() -> str:
    """Revision of the schema this code works with."""
    return revisions()[-1]


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for commands within the transaction of this connection."""
    from alembic.config import Config

    config = Config(stdout=sys.stdout)  # the default is that of the time of the import
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def schema_lock(engine: Engine) -> AbstractContextManager[None]:
    """Hold the one lock under which schemas are made and changed.

    Raises:
        UnavailableError: it was not free within LOCK_SECONDS, or the folder cannot be written.
    """
    path = sqlite_path(engine.url)
    return _advisory_lock(engine) if path is None else _file_lock(engine, path)


@contextmanager
def _file_lock(engine: Engine, path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path.resolve()}.lock")
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise UnavailableError(
            masked(engine.url),
            f"another process has been changing its tables for {LOCK_SECONDS:.0f} s; try again",
        ) from None
    except OSError as error:
        raise UnavailableError(
            masked(engine.url),
            f"{error.filename or path} cannot be written ({error.strerror}); "
            "SQLite needs a folder in which it may make files",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    with translated(engine), engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS:.0f}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
        connection.commit()
        try:
            yield
        finally:
            connection.invalidate()


def _create_file(engine: Engine) -> None:
    """Create an SQLite file, and set its journal to WAL, which the file remembers."""
    path = sqlite_path(engine.url)
    if path is None:
        return
    with translated(engine), closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _revision(engine: Engine) -> str | None:
    with reading(engine) as session:
        if not inspect(session.connection()).has_table(VERSION_TABLE):
            return None
        return session.scalar(select(_version.c.version_num))


def _refuse_newer(engine: Engine, revision: str | None) -> None:
    if revision is not None and revision not in revisions():
        raise SchemaTooNew(
            f"storage {masked(engine.url)}: expected schema {head()} or older, found {revision}, "
            "which a newer version made; update this package, or use another storage"
        )


def _migrate(engine: Engine) -> None:
    from alembic import command

    with writing(engine) as session:
        command.upgrade(alembic_config(session.connection()), "head")
