"""What docs/deployment.md shows, run as far as that goes without Docker.

Every service is run as its compose file says, against a server of the tests' own that
asks each role for its password.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.composed import ROOT, compose, services
from tests.storage.postgres import Cluster, cluster, required_binaries
from tests.study.served import asked, serving

PAGE = (ROOT / "docs/deployment.md").read_text()


def console(page: str) -> list[str]:
    """Commands that the page shows: lines after `$ `."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [line for text in blocks for line in text.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_commands_of_the_page_name_what_there_is() -> None:
    shown = [line.partition("docker compose ")[2] for line in console(PAGE)]
    verbs = ("build", "exec", "logs", "restart", "run", "stop", "up")
    for words in (shlex.split(line) for line in shown if line):
        files = [words[i + 1] for i, word in enumerate(words) if word == "-f"]
        assert all((ROOT / file).exists() for file in files)
        verb, *rest = words[2 * len(files) :]
        assert verb in verbs
        names = [word.partition("=")[0] for word in rest if not word.startswith("-")]
        several = names[: len(names) if verb in {"stop", "up"} else 1]
        assert set(several) <= services().keys(), words
    assert {"exec", "run", "stop", "up"} <= {line.split()[0] for line in shown if line}


def test_passwords_are_made_once_readable_in_a_folder_that_is_not(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path)
    made = [line for line in console(PAGE) if line.startswith(("cp ", "mkdir "))]
    assert [line.split()[0] for line in made] == ["cp", "mkdir"]
    script = "\n".join(made)
    for code in (0, 1):
        done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=False)
        assert done.returncode == code
    assert (tmp_path / ".env").read_text() == (ROOT / ".env.example").read_text()
    folder = tmp_path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = {
        Path(of["file"]).name: folder / Path(of["file"]).name
        for of in compose()["secrets"].values()
    }
    assert {path.name for path in folder.iterdir()} == files.keys()
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files.values())
    passwords = {path.read_text().strip() for path in files.values()}
    assert len(passwords) == len(files)
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in passwords)


@dataclass(frozen=True)
class Deployed:
    """The services in a folder: secrets, cache, and the server in place of `db`."""

    folder: Path
    server: Cluster

    def environment(self, name: str) -> dict[str, str]:
        """All that a container of the service has, secrets included."""
        service = services()[name]
        secrets = self.folder / f"run-{name}"
        secrets.mkdir(exist_ok=True)
        for secret in service["secrets"]:
            shutil.copy(self.folder / "secrets" / secret, secrets)
        places = {
            "/run/secrets": str(secrets),
            "/cache": str(self.folder / "cache"),
            "@db/study": f"@/study?host={self.server.folder}",
        }
        given = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
        inside = re.compile("|".join(map(re.escape, places)))
        return given | {
            variable: inside.sub(lambda place: places[place[0]], value)
            for variable, value in service["environment"].items()
        }

    def run(self, name: str, *command: str, code: int = 0) -> str:
        """Run the service, or another command in its place; what it says."""
        wanted = services(N_TRIALS="1", RUN_FLAGS="--preset smoke --workers 1")[name]["command"]
        _, *arguments = command or shlex.split(wanted)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def program(self, command: str, **files: Path) -> None:
        """Run a program of PostgreSQL as the page shows it in the container `db`."""
        name, *arguments = shlex.split(command)
        with (
            files.get("stdin", Path(os.devnull)).open("rb") as read,
            files.get("stdout", Path(os.devnull)).open("wb") as written,
        ):
            path, host = self.server.programs / name, str(self.server.folder)
            admin = (self.folder / "secrets" / "admin_password").read_text().strip()
            subprocess.run(
                [str(path), "--host", host, *arguments],
                env=os.environ | {"PGPASSWORD": admin},  # nobody is asked inside the container
                stdin=read,
                stdout=written,
                check=True,
            )


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    folder = tmp_path / "clone"
    (folder / "cache").mkdir(parents=True)
    (made,) = (line for line in console(PAGE) if line.startswith("mkdir "))
    subprocess.run(["bash", "-euc", made], cwd=folder, check=True)
    admin = (folder / "secrets" / "admin_password").read_text().strip()
    with cluster(required_binaries()) as server:
        server.psql("postgres", f"CREATE ROLE study_admin SUPERUSER LOGIN PASSWORD '{admin}'")
        server.psql("postgres", "CREATE DATABASE study OWNER study_admin")
        (server.folder / "data" / "pg_hba.conf").write_text(
            "local all study trust\nlocal all all scram-sha-256\n"
        )
        server.psql("postgres", "SELECT pg_reload_conf()")
        yield Deployed(folder, server)


def shown(program: str) -> str:
    """The one command of this program that the page has for the container `db`."""
    (found,) = {
        line.partition(" db ")[2].partition(" <")[0].partition(" >")[0]
        for line in console(PAGE)
        if f" db {program} " in line
    }
    return found


@pytest.mark.slow
def test_services_one_after_the_other_come_to_a_report_and_a_dashboard(deployed: Deployed) -> None:
    assert "role study_worker made" in deployed.run("roles")
    assert "schema" in deployed.run("migrate")
    deployed.run("worker")
    report, status = (
        shlex.split(line.partition(" dashboard ")[2])
        for line in console(PAGE)
        if " exec dashboard " in line
    )
    assert "1 complete" in deployed.run("dashboard", *report)
    deployed.run("dashboard", *status)
    dashboard = services()["dashboard"]
    _, _, _, *flags = shlex.split(dashboard["command"])
    with serving(*flags, env=deployed.environment("dashboard")) as (address, _):
        port = address.rpartition(":")[2]
        probe = [word.replace("8080", port) for word in dashboard["healthcheck"]["test"]]
        assert probe[:2] == ["CMD", "python"]
        subprocess.run([sys.executable, *probe[2:]], check=True)
        assert b"study" in asked(f"http://127.0.0.1:{port}/api/studies")[1]
        assert asked(f"http://127.0.0.1:{port}/api/studies/1", "DELETE")[0] == 403


@pytest.mark.slow
def test_passwords_change_and_a_backup_comes_back(deployed: Deployed) -> None:
    for name in ("roles", "migrate", "worker"):
        deployed.run(name)
    (deployed.folder / "secrets" / "worker_password").write_text("another\n")
    deployed.run("roles")
    assert "password authentication failed" not in deployed.run("worker")
    dump = deployed.folder / "study.dump"
    deployed.program(shown("pg_dump"), stdout=dump)
    deployed.server.psql("study", "TRUNCATE trial_run CASCADE")
    deployed.program(shown("pg_restore"), stdin=dump)
    assert "nothing left to do" in deployed.run("worker")
    deployed.run("dashboard", "python", "-m", "storage", "check")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["worker", "dashboard"])
def test_a_service_with_a_wrong_password_says_so(deployed: Deployed, name: str) -> None:
    for service in ("roles", "migrate"):
        deployed.run(service)
    (deployed.folder / "secrets" / f"{services()[name]['secrets'][0]}").write_text("wrong\n")
    said = deployed.run(name, code=2)
    assert "password authentication failed" in said
    assert "Traceback" not in said
