"""Engines, and sessions that read or write.

SQLite runs in WAL mode (set once, by `storage.schema.upgrade`), so readers and
one writer do not wait for each other. A writer begins IMMEDIATE: it waits for
its turn at the start and cannot fail half way for having read too early. A
reader begins plainly and sees one snapshot.

synchronous is FULL: a commit is on disk when it returns, so neither kill -9 nor
a power cut loses a finished trial. Optuna's own connections use NORMAL, which
spares an fsync for each of its many small writes; both share one WAL, so the
next commit of ours makes Optuna's earlier ones durable too.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from storage.errors import SchemaMissing, StorageError, UnavailableError
from storage.url import masked, parse, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

BUSY_SECONDS = 30.0
"""How long SQLite waits for another writer."""
CONNECT_SECONDS = 10
RETRY_SECONDS = 5.0
"""How long `retried` goes on; what takes longer is for the caller to bridge."""

Synchronous = Literal["NORMAL", "FULL"]
P = ParamSpec("P")
T = TypeVar("T")

_WRITES = "storage_writes"
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_BROKEN = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def open_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Engine for a storage URL; connects on first use and never creates a database.

    Raises:
        UrlError: the URL is not one of SQLite or PostgreSQL.
    """
    parsed = parse(url)
    path = sqlite_path(parsed)
    if path is None:
        return create_engine(
            parsed, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS}
        )
    engine = create_engine(parsed, creator=sqlite_creator(path, "FULL", busy_seconds))
    event.listen(engine, "begin", _begin)
    return engine


def sqlite_creator(
    path: Path, synchronous: Synchronous, busy_seconds: float = BUSY_SECONDS
) -> Callable[[], sqlite3.Connection]:
    """What opens connections to an existing SQLite file; transactions are left to the caller."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    return connect


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Session that reads one snapshot.

    Raises:
        UnavailableError: the database cannot be opened, or was lost.
        SchemaMissing: it has no tables of this project.
    """
    with translated(engine), Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Session whose writes are committed together at the end, or not at all.

    Raises:
        UnavailableError: the database cannot be opened, was lost, is locked or full.
        SchemaMissing: it has no tables of this project.
    """
    with translated(engine), Session(engine, expire_on_commit=False) as session:
        session.connection(execution_options={_WRITES: True})
        yield session
        session.commit()


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn what the driver raises about the database itself into a StorageError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise (_translation(masked(engine.url), error) or error) from error


def retried(work: Callable[P, T]) -> Callable[P, T]:
    """Run again after a transient error, with backoff, for up to RETRY_SECONDS.

    A commit may have succeeded although its connection was lost, so `work` must
    bear being run twice.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        give_up = time.monotonic() + RETRY_SECONDS
        pause = 0.05
        while True:
            try:
                return work(*args, **kwargs)
            except UnavailableError as error:
                if not error.transient or time.monotonic() + pause > give_up:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (spreads processes apart)
            pause = min(2 * pause, 1.0)

    return run


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _translation(url: str, error: DBAPIError | sqlite3.Error) -> StorageError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if _lacks_table(cause):
        return SchemaMissing(
            f"storage {url}: expected the tables of a study, found none; start a study or "
            "run python -m storage upgrade"
        )
    if isinstance(cause, sqlite3.Error):
        return _sqlite_translation(url, cause)
    if isinstance(error, OperationalError | InterfaceError) or _is_lost(error):
        reason = str(cause).strip().splitlines() or ["connection lost"]
        return UnavailableError(url, reason[0], transient=True)
    return None


def _lacks_table(cause: BaseException | None) -> bool:
    return getattr(cause, "sqlstate", None) == "42P01" or "no such table" in str(cause)


def _is_lost(error: DBAPIError | sqlite3.Error) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _sqlite_translation(url: str, cause: sqlite3.Error) -> UnavailableError | None:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_BUSY:
        return UnavailableError(
            url, "another process has it locked; try again, or end that process", transient=True
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return UnavailableError(
            url,
            "there is no such database, or it may not be opened; "
            "start a study or run python -m storage upgrade",
        )
    if isinstance(cause, sqlite3.OperationalError) or code in _SQLITE_BROKEN:
        return UnavailableError(url, str(cause))
    return None
