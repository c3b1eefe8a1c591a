"""A PostgreSQL of the tests' own: in a temporary folder, reached by a socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

USER = "study"
FAST = "-c fsync=off -c full_page_writes=off -c max_connections=200"
_names = count()


def binaries() -> Path | None:
    """Folder of the newest server's programs, or None where PostgreSQL is not installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parents[1].name), default=None)
    return None if newest is None else newest.parent


def required_binaries() -> Path:
    """The same; where it is not installed, tests are skipped, and fail under CI."""
    programs = binaries()
    if programs is None:
        missing = "PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return programs


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    programs: Path
    folder: Path

    def create_database(self, template: str = "template1") -> str:
        """Make a database, and return its URL."""
        name = f"db{next(_names)}"
        self.psql("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def psql(self, database: str, statement: str) -> str:
        command = [
            *("psql", "-h", str(self.folder), "-U", USER, "-d", database),
            *("-v", "ON_ERROR_STOP=1", "-Atc", statement),
        ]
        return _run(self.programs, command).strip()

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends its sessions, `immediate` leaves things as a crash does."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        self._control("-o", f"-k {self.folder} -c listen_addresses= {FAST}", "start")

    def _control(self, *arguments: str) -> None:
        log = str(self.folder / "log")
        data = str(self.folder / "data")
        _run(self.programs, ["pg_ctl", "-D", data, "-l", log, "-w", "-s", *arguments])


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="study-pg-"))
    server = Cluster(programs, folder)
    try:
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            folder.chmod(0o755)
        initdb = ["initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-N"]
        _run(programs, [*initdb, "-E", "UTF8", "--locale=C.UTF-8"])
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(programs: Path, command: list[str]) -> str:
    """Run a program of the server, which refuses to run as root."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, str(programs / command[0]), *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    return done.stdout
