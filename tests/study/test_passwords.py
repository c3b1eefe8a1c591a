"""A password of odd characters, which nothing shows: no row, line, error or list of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import optuna
import psutil
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL
from sqlalchemy.engine import make_url

from storage.optuna_schema import open_optuna
from storage.schema import upgrade
from study.worker.log import TAIL_BYTES, WorkerLog
from tests.storage.postgres import USER, Cluster, cluster, required_binaries
from tests.study.commands import ROOT, SECONDS, SMALL, finish, start
from tests.study.leaking import LEAKED, LEAKING
from tests.study.served import asked, serving

PARTS = ("kQ7vXw", "zRt4mB", "pLm9cN", "hJ2sDf")
PASSWORD = "{} @:/{}?#%&='\"\\{}\u00fc +;{}".format(*PARTS)
READ = """
from study.report.__main__ import main as report
from study.status import main as status
for made in ("text", "markdown", "json"):
    assert report(["--format", made]) == 0
for made in ("text", "json"):
    assert status(["--format", made]) == 0
"""


@dataclass(frozen=True)
class Locked:
    """A server that asks the role `odd` for its password."""

    server: Cluster

    def url(self, database: str, password: str | None = PASSWORD) -> URL:
        bare = make_url(self.server.url(database)).set(username="odd")
        return bare if password is None else bare.set(password=password)

    def text(self, database: str, password: str = PASSWORD) -> str:
        """The URL as a user writes it."""
        bare = self.url(database, None).render_as_string()
        return bare.replace("odd@", f"odd:{quote(password, safe='')}@")

    def contents(self, database: str) -> str:
        """Every row of every table."""
        program, host = str(self.server.programs / "pg_dump"), str(self.server.folder)
        command = [program, "--data-only", "--inserts", "-h", host, "-U", USER, database]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "INSERT INTO public.trial_user_attributes" in done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def locked() -> Iterator[Locked]:
    with cluster(required_binaries()) as server:
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all odd scram-sha-256\n{rules.read_text()}")
        literal = PASSWORD.replace("'", "''")
        server.psql(
            "postgres",
            f"SET standard_conforming_strings = on; CREATE ROLE odd LOGIN PASSWORD '{literal}'",
        )
        server.psql("postgres", "SELECT pg_reload_conf()")
        yield Locked(server)


def shown(text: str) -> list[str]:
    """Lines of a text that show a part of the password."""
    return [line for line in text.splitlines() if any(part in line for part in PARTS)]


def watched(command: subprocess.Popen[str]) -> set[str]:
    """Command lines of a process and all it starts, until it ends."""
    seen: set[str] = set()
    give_up = time.monotonic() + SECONDS
    while command.poll() is None and time.monotonic() < give_up:
        try:
            process = psutil.Process(command.pid)
            for each in (process, *process.children(recursive=True)):
                seen.add(" ".join(each.cmdline()))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)
    return seen


def said(told: Mapping[str, str], *arguments: str, code: int = 0) -> str:
    """What Python says in all."""
    command, environment = [sys.executable, *arguments], {**os.environ, **told}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("in_file", [False, True], ids=["in the URL", "in a file"])
def test_nothing_shows_the_password(locked: Locked, tmp_path: Path, in_file: bool) -> None:
    name = f"leaks_{in_file}".lower()
    locked.server.psql("postgres", f"CREATE DATABASE {name} OWNER odd")
    whole = locked.text(name)
    conninfo = make_conninfo("", user="odd", password=PASSWORD, host="db")
    leaked = "\n".join([whole, locked.url(name).render_as_string(hide_password=False), conninfo])
    told = {"STUDY_STORAGE": whole}
    if in_file:
        file = tmp_path / "password"
        file.write_text(f"{PASSWORD}\n")
        bare = locked.url(name, None).render_as_string()
        told = {"STUDY_STORAGE": bare, "STUDY_STORAGE_PASSWORD_FILE": str(file)}
    command = start(
        "--n-trials", 1, "--workers", 1, *SMALL, trainer=LEAKING, env={**told, LEAKED: leaked}
    )
    lines = watched(command)
    code, out, err = finish(command)
    assert code == 1, err
    assert len(lines) > 1
    assert shown("\n".join(lines)) == []
    assert "failed" in out
    assert shown(out + err) == []
    rows = locked.contents(name)
    assert "is away" in rows
    assert "could not connect" in rows
    assert shown(rows) == []
    assert shown((locked.server.folder / "log").read_text(errors="replace")) == []
    assert shown(said(told, "-c", READ)) == []


@pytest.mark.parametrize(
    ("before", "after", "module"),
    [
        ("", "", ("study.status",)),
        ("", "", ("storage", "upgrade")),
        ("?host=", "?host=/none", ("study.dashboard",)),
        ("postgresql+psycopg", "mysql", ("study.status",)),
        ("postgresql+psycopg://", "postgresql:/", ("study.status",)),
        ("@/", "@:port/", ("study.status",)),
        ("?host=", "?password=PASSWORD&host=", ("study.status",)),
    ],
)
def test_errors_do_not_show_a_password(
    locked: Locked, before: str, after: str, module: tuple[str, ...]
) -> None:
    wrong = f"{PASSWORD}wrong"
    url = locked.text("postgres", wrong).replace(
        before, after.replace("PASSWORD", quote(wrong, safe="")), 1
    )
    text = said({"STUDY_STORAGE": url}, "-m", *module, code=2)
    assert "Traceback" not in text
    assert shown(text) == []


def test_a_role_that_only_reads_is_enough_for_the_dashboard(locked: Locked) -> None:
    server = locked.server
    url = server.create_database()
    name = str(make_url(url).database)
    upgrade(url)
    optuna.create_study(storage=open_optuna(url), study_name="shown")
    server.psql(name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO odd")
    server.psql("postgres", "ALTER ROLE odd SET default_transaction_read_only = on")
    environment = {**os.environ, "STUDY_STORAGE": locked.text(name)}
    try:
        with serving(env=environment) as (address, process):
            assert psutil.Process(process.pid).cmdline()[1:3] == ["-m", "study.dashboard"]
            for path in ("/dashboard", "/api/studies", "/api/studies/1"):
                assert asked(address + path)[0] == 200
    finally:
        server.psql("postgres", "ALTER ROLE odd RESET default_transaction_read_only")


def test_a_tail_begins_with_a_whole_line() -> None:
    log = WorkerLog()
    address = f"postgresql://odd:{PARTS[0]}@db/study\n"
    text = address + "x" * (TAIL_BYTES - len(address) + 20) + "\nlast\n"
    os.write(log.fileno(), text.encode())
    assert log.tail().endswith("last")
    assert PARTS[0] not in log.tail(limit=len(text) - 15)
    log.close()
