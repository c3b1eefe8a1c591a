"""Optuna's own storage on the same database. The one module here that imports Optuna."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from storage.engine import CONNECT_SECONDS, open_engine, sqlite_creator, translated
from storage.errors import SchemaTooNew, UnavailableError
from storage.schema import check, schema_lock
from storage.url import masked, sqlite_path


def open_optuna(url: str, *, reads_only: bool = False) -> RDBStorage:
    """Optuna's storage on a database that `storage.schema.upgrade` has made.

    On SQLite every transaction begins IMMEDIATE: Optuna reads before it writes,
    so with a plain BEGIN two processes give out the same trial, or fail for
    having read too early. With `reads_only` it begins plainly, for callers that
    change nothing and should not hold up those that do.

    Raises:
        UnavailableError: the database is not there, locked or gone.
        SchemaError: its tables do not fit this code, or were made by a newer Optuna.
    """
    engine = open_engine(url)
    try:
        check(engine)
        with schema_lock(engine):
            storage = make_schema(url)
    finally:
        engine.dispose()
    if storage.engine.dialect.name == "sqlite":
        event.listen(storage.engine, "begin", _begin if reads_only else _begin_immediate)
    return storage


def make_schema(url: str) -> RDBStorage:
    """Make or migrate Optuna's tables. The caller holds `schema_lock`."""
    engine = open_engine(url)
    plain = engine.url.render_as_string(hide_password=False)
    with optuna_translated(engine):
        storage = RDBStorage(
            plain.replace("{", "{{").replace("}", "}}"),  # Optuna formats its URLs
            engine_kwargs=_engine_arguments(url),
            skip_compatibility_check=True,
        )
        _upgrade(storage)
    return storage


@contextmanager
def optuna_translated(engine: Engine) -> Iterator[None]:
    """Turn what Optuna raises about the database itself into a StorageError."""
    try:
        with translated(engine):
            yield
    except StorageInternalError as error:
        cause = error.__cause__
        reason = str(cause.orig if isinstance(cause, DBAPIError) else cause or error)
        raise UnavailableError(masked(engine.url), reason.strip().splitlines()[0]) from error


def _engine_arguments(url: str) -> dict[str, Any]:
    path = sqlite_path(url)
    if path is None:
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
    return {"creator": sqlite_creator(path, "NORMAL")}


def _upgrade(storage: RDBStorage) -> None:
    current = storage.get_current_version()
    if current == storage.get_head_version():
        return
    if current not in storage.get_all_versions():
        raise SchemaTooNew(
            f"storage {masked(storage.engine.url)}: its Optuna tables ({current}) were made by a "
            "newer Optuna; update optuna, or use another storage"
        )
    storage.upgrade()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
