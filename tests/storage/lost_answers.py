"""Commits that succeed while whoever made them hears that the connection was lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError


class LostAnswers:
    """Loses the answers of an engine's next commits."""

    def __init__(self, engine: Engine) -> None:
        self.left = 0
        event.listen(engine, "commit", self._commit)

    @contextmanager
    def next(self, count: int = 1) -> Iterator[None]:
        """Lose so many; all of them must have been lost at the end."""
        self.left = count
        yield
        assert self.left == 0

    def _commit(self, connection: Connection) -> None:
        if not self.left:
            return
        self.left -= 1
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.commit()
        if isinstance(driver, sqlite3.Connection):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise OperationalError("COMMIT", None, error)
        driver.close()
