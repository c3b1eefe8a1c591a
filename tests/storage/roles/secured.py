"""A database of which each role has its rights."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import psycopg

from tests.storage.postgres import Cluster

PASSWORDS: dict[str, str | None] = {
    "owner": "owner's @:/?#%\\ \"é",
    "worker": "%s:{w}'",
    "viewer": "$v&=x y",
}


@dataclass(frozen=True)
class Secured:
    """A database with its roles, on a server that asks all but the administrator for a password."""

    server: Cluster
    name: str

    @property
    def admin(self) -> str:
        return self.server.url(self.name)

    def url(self, kind: str, password: str | None = None) -> str:
        secret = quote(password or PASSWORDS[kind] or "", safe="")
        return f"postgresql://study_{kind}:{secret}@/{self.name}?host={self.server.folder}"

    def connect(self, kind: str, user: str | None = None) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.server.folder),
            dbname=self.name,
            user=user or f"study_{kind}",
            password=PASSWORDS.get(kind, "n"),
            autocommit=True,
        )


def refused(connection: psycopg.Connection, statement: str) -> None:
    """Fail unless the server refuses a statement for want of a right."""
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return
    raise AssertionError(f"{connection.info.user} may {statement}")
