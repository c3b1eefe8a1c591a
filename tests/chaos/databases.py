"""The databases of studies, and how each of them is taken away for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tests.storage.postgres import Cluster

Way = Literal["fast", "immediate"]
"""In which PostgreSQL is stopped: its sessions are told, or it goes as in a crash."""


class Database(Protocol):
    """One that holds nothing yet."""

    @property
    def kind(self) -> str: ...

    @property
    def url(self) -> str: ...

    def away(self, way: Way = "immediate") -> AbstractContextManager[None]:
        """While entered, nobody can write to it."""
        ...

    def is_free(self) -> bool:
        """Whether nobody is in the middle of a transaction that writes."""
        ...


@dataclass(frozen=True)
class Sqlite:
    path: Path
    kind = "SQLite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @contextmanager
    def away(self, way: Way = "immediate") -> Iterator[None]:
        """Held locked by another process, as a backup or a shell might."""
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
            lock.rollback()

    def is_free(self) -> bool:
        with closing(sqlite3.connect(self.path, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.rollback()
            return True


@dataclass(frozen=True)
class Postgresql:
    server: Cluster
    url: str
    kind = "PostgreSQL"

    @contextmanager
    def away(self, way: Way = "immediate") -> Iterator[None]:
        """Its server is stopped, and started again."""
        self.server.stop(way)
        try:
            yield
        finally:
            self.server.start()

    def is_free(self) -> bool:
        in_middle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        return self.server.psql("postgres", in_middle) == "0"
