"""What a driver's error says about the database: away for a moment, refused, full or broken.

Whatever the same call may survive later is transient. Errors that speak of a
mistake in a statement are none of the database's and stay as they are.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.errors import SchemaMissing, StorageError, UnavailableError
from storage.url import masked, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import URL

_OF_DATABASE = (OperationalError, InterfaceError, InternalError)

_PASSING_CLASSES = {"08", "40", "53"}
"""SQLSTATE classes: connection lost; rolled back, as in a deadlock; out of some resource."""
_PASSING = {
    "25P03",  # too long idle in a transaction, for this process was stopped
    "25P04",  # transaction took too long
    "55P03",  # waited too long for a lock
    "57014",  # cancelled, as a statement that took too long is
    "57P01",  # server shuts down
    "57P02",  # server crashed
    "57P03",  # server starts up
    "57P05",  # too long idle
    "58030",  # reading or writing failed
}
_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "permission denied",
    "not permitted to log in",
    "certificate",
    "does not support SSL",
    "invalid",
)
"""What a server says to a connection that it will never accept. libpq does not tell the
SQLSTATE of a connection that failed, so the words decide; those unknown here may pass."""

_LOCKED = "another process has it locked; try again, or end that process"
_SQLITE_PASSING = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_FULL: "its disk is full; make room there",
    sqlite3.SQLITE_IOERR: "it cannot be read or written; is its disk full, or gone?",
}
_SQLITE_BROKEN = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


Lost = DBAPIError | PoolTimeout | PendingRollbackError | sqlite3.Error
"""What may say something about the database. A rollback is pending where a connection was lost
and the session went on: Optuna asks again in another way when a query fails."""


def translation(url: URL, error: Lost) -> StorageError | None:
    """The error of this package that says the same; None if it is not about the database."""
    where = masked(url)
    if isinstance(error, PendingRollbackError):
        return UnavailableError(where, "connection lost in a transaction", transient=True)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if getattr(cause, "sqlstate", None) == "42P01" or "no such table" in str(cause):
        return SchemaMissing(
            f"storage {where}: expected the tables of a study, found none; start a study or "
            "run python -m storage upgrade"
        )
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(url, cause)
    if isinstance(error, DBAPIError):
        return _of_postgresql(url, error)
    return UnavailableError(where, "all connections of this process are in use", transient=True)


def first_line(error: BaseException | None) -> str:
    """What an error says, cut to a line and without passwords."""
    lines = str(error).strip().splitlines()
    return masked(lines[0]) if lines else "connection lost"


def _of_postgresql(url: URL, error: DBAPIError) -> UnavailableError | None:
    where, what = masked(url), first_line(error.orig)
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state == "42501":
        command = "upgrade" if what.startswith("must be owner") else "roles"
        return UnavailableError(
            where,
            f"{_role(url)} lacks a right: {what}; use a role that has it, "
            f"or have its owner run python -m storage {command}",
        )
    if state == "25006":
        return UnavailableError(where, f"{_role(url)} may only read: {what}; use one that writes")
    transient = error.connection_invalidated or _passes(error, state)
    is_connecting = state is None and error.statement is None
    if transient or is_connecting or isinstance(error, _OF_DATABASE):
        return UnavailableError(where, what, transient=transient)
    return None


def _passes(error: DBAPIError, state: str | None) -> bool:
    if state is not None:
        return state[:2] in _PASSING_CLASSES or state in _PASSING
    said = str(error.orig)
    return isinstance(error, _OF_DATABASE) and not any(word in said for word in _REFUSALS)


def _role(url: URL) -> str:
    role = url.username or url.query.get("user") or os.environ.get("PGUSER")
    return f"role {role!r}" if role else "the role of this user"


def _of_sqlite(url: URL, cause: sqlite3.Error) -> UnavailableError | None:
    where, code = masked(url), getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_PASSING:
        return UnavailableError(where, _SQLITE_PASSING[code], transient=True)
    if code == sqlite3.SQLITE_CANTOPEN:
        return _not_opened(url)
    if code == sqlite3.SQLITE_READONLY:
        what = "it may not be written; change the permissions of the file and of its folder"
        return UnavailableError(where, what)
    if isinstance(cause, sqlite3.OperationalError) or code in _SQLITE_BROKEN:
        return UnavailableError(where, str(cause))
    return None


def _not_opened(url: URL) -> UnavailableError:
    """A file that is there and may be used lacks only what may be there later."""
    path = sqlite_path(url)
    if path is not None and os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK):
        what = "it cannot be opened now; are too many files open, or is its disk full?"
        return UnavailableError(masked(url), what, transient=True)
    return UnavailableError(
        masked(url),
        "there is no such database, or it may not be opened; "
        "start a study or run python -m storage upgrade",
    )
