"""Writes a database of today's revision, with a trial in every state, as SQL for later versions.

    python -m tests.storage.schemas.dump

To be run once a revision, when it is released; tests load what every revision has left here.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from storage.engine import open_engine, writing
from storage.schema import head, upgrade
from tests.storage.every_state import write_every_state
from tests.storage.postgres import USER, Cluster, cluster, required_binaries

FOLDER = Path(__file__).parent
SETTINGS = ("--", "SET ", "SELECT pg_catalog.set_config", "\\")
"""Beginnings of lines that only the program which wrote them understands."""


def dump_of(backend: str, revision: str) -> Path:
    return FOLDER / f"{revision}.{backend}.sql"


def load(url: str, sql: str) -> None:
    """Run a dump against an empty database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection:
            connection.executescript(sql)
        return
    with psycopg.connect(
        host=str(parsed.query["host"]), dbname=parsed.database, user=parsed.username
    ) as connection:
        connection.execute(sql.encode())


def sqlite_dump() -> str:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        upgrade(url)
        _write(url)
        with closing(sqlite3.connect(f"{folder}/study.db")) as connection:
            return "\n".join(connection.iterdump()) + "\n"


def postgresql_dump(server: Cluster) -> str:
    url = server.create_database()
    upgrade(url)
    _write(url)
    command = [
        *(str(server.programs / "pg_dump"), "--host", str(server.folder), "--username", USER),
        *("--inserts", "--no-owner", "--no-privileges", str(make_url(url).database)),
    ]
    sql = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kept = [line for line in sql.splitlines() if line and not line.startswith(SETTINGS)]
    return "\n".join(kept) + "\n"


def _write(url: str) -> None:
    """A trial in every state, the running one's lease over, as it is when the dump is loaded."""
    write_every_state(url)
    engine = open_engine(url)
    with writing(engine) as session:
        session.execute(text("UPDATE trial_run SET lease_expires = started"))
    engine.dispose()


def main() -> int:
    targets = [dump_of(backend, head()) for backend in ("sqlite", "postgresql")]
    if any(target.exists() for target in targets):
        print(f"revision {head()} has its dumps; they are not to change", file=sys.stderr)
        return 2
    with cluster(required_binaries()) as server:
        for target, sql in zip(targets, (sqlite_dump(), postgresql_dump(server)), strict=True):
            target.write_text(sql)
            print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
