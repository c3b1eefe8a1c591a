"""Engines, and sessions that read or write.

SQLite runs in WAL mode (set once, by `storage.schema.upgrade`), so readers and
one writer do not wait for each other. A writer begins IMMEDIATE: it waits for
its turn at the start and cannot fail half way for having read too early. A
reader begins plainly and sees one snapshot.

synchronous is FULL: a commit is on disk when it returns, so neither kill -9 nor
a power cut loses a finished trial. Optuna's own connections use NORMAL, which
spares an fsync for each of its many small writes; both share one WAL, so the
next commit of ours makes Optuna's earlier ones durable too.

Connections to PostgreSQL are tried before use, so that one cut by a restart of
the server is replaced unnoticed. A server that does not answer is given up after
CONNECT_SECONDS, a network that went dead after SILENT_SECONDS.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from storage.errors import UnavailableError
from storage.translation import translation
from storage.url import parse, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

BUSY_SECONDS = 10.0
"""How long a statement waits for another process's lock."""
CONNECT_SECONDS = 10
SILENT_SECONDS = 30
"""How long nothing may be heard from a server before its connection counts as lost."""
IDLE_SECONDS = 30
"""After how long PostgreSQL ends the transaction of a process that stopped in the middle."""
RETRY_SECONDS = 5.0
"""How long `retried` goes on; what takes longer is for the caller to bridge."""
APPLICATION = "loss-weight-study"
"""How connections are named in pg_stat_activity, unless the URL or PGAPPNAME says otherwise."""

Synchronous = Literal["NORMAL", "FULL"]
P = ParamSpec("P")
T = TypeVar("T")

_WRITES = "storage_writes"


def open_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Engine for a storage URL; connects on first use and never creates a database.

    Args:
        url: of the database.
        busy_seconds: how long a statement waits for another process's lock.

    Raises:
        UrlError: the URL is not one of SQLite or PostgreSQL.
    """
    parsed = parse(url)
    engine = create_engine(parsed, **engine_arguments(parsed, "FULL", busy_seconds))
    if sqlite_path(parsed) is not None:
        event.listen(engine, "begin", _begin)
    return engine


def engine_arguments(
    url: URL, synchronous: Synchronous, busy_seconds: float = BUSY_SECONDS
) -> dict[str, Any]:
    """What every engine on a database is made with, ours or Optuna's: `create_engine`'s arguments.

    Args:
        url: of the database, parsed.
        synchronous: what SQLite waits for at a commit.
        busy_seconds: how long a statement waits for another process's lock.
    """
    path = sqlite_path(url)
    if path is not None:
        return {"creator": _sqlite_creator(path, synchronous, busy_seconds)}
    return {
        "pool_pre_ping": True,
        "pool_size": 2,
        "max_overflow": 8,
        "connect_args": _connect_arguments(url, busy_seconds),
    }


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
    except (DBAPIError, PoolTimeout, PendingRollbackError, sqlite3.Error) as error:
        raise (translation(engine.url, error) or error) from error


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


def _sqlite_creator(
    path: Path, synchronous: Synchronous, busy_seconds: float
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


def _connect_arguments(url: URL, busy_seconds: float) -> dict[str, Any]:
    """Parameters of a connection to PostgreSQL; what the URL says of them goes before."""
    ours = {
        "connect_timeout": CONNECT_SECONDS,
        "fallback_application_name": APPLICATION,
        "keepalives_idle": SILENT_SECONDS // 3,
        "keepalives_interval": SILENT_SECONDS // 6,
        "keepalives_count": 4,
        "tcp_user_timeout": 1000 * SILENT_SECONDS,
    }
    settings = {
        "lock_timeout": f"{1000 * busy_seconds:.0f}ms",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    }
    theirs = url.query.get("options") or os.environ.get("PGOPTIONS", "")
    options = [f"-c {name}={value}" for name, value in settings.items()]
    options += [theirs] if isinstance(theirs, str) else theirs
    left = {name: value for name, value in ours.items() if name not in url.query}
    return left | {"options": " ".join(filter(None, options))}


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
