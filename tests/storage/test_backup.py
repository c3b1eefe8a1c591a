from __future__ import annotations

import resource
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from storage.__main__ import main
from storage.audit import audit
from storage.backup import BackupError, backup, dump_command
from storage.engine import open_engine, writing
from storage.errors import StorageError
from tests.storage.every_state import STATES, write_every_state
from tests.study import commands

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written(sqlite_url: str) -> str:
    """URL of an SQLite database with a trial in every state."""
    write_every_state(sqlite_url)
    return sqlite_url


@pytest.fixture
def busy(written: str) -> Iterator[str]:
    """The same, written to all the time: two rows that are equal after each transaction."""
    engine = open_engine(written)
    with writing(engine) as session:
        session.execute(text("CREATE TABLE pair (id INTEGER PRIMARY KEY, count INTEGER)"))
        session.execute(text("INSERT INTO pair (count) VALUES (0), (0)"))
    ends, failed = Event(), []

    def write() -> None:
        while not ends.is_set():
            try:
                with writing(engine) as session:
                    session.execute(text("UPDATE pair SET count = count + 1 WHERE id = 1"))
                    session.execute(text("UPDATE pair SET count = count + 1 WHERE id = 2"))
            except Exception as error:
                failed.append(error)

    writer = Thread(target=write)
    writer.start()
    yield written
    ends.set()
    writer.join()
    engine.dispose()
    assert not failed


def names(folder: Path) -> set[str]:
    """Of the files in a folder, without those that SQLite and locks keep beside the database."""
    return {path.name for path in folder.iterdir() if not path.match("study.db[-.]*")}


def test_a_copy_holds_what_was_there(written: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert backup(written, copy) == copy.stat().st_size > 100_000
    assert names(tmp_path) == {"study.db", "copy.db"}
    found = audit(f"sqlite:///{copy}")
    assert found.is_sound
    assert [study.states for study in found.studies] == [STATES]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_copy_is_as_private_as_the_database(mode: int, written: str, tmp_path: Path) -> None:
    (tmp_path / "study.db").chmod(mode)
    backup(written, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == mode


def test_a_copy_made_while_a_study_runs_is_of_one_moment(busy: str, tmp_path: Path) -> None:
    counts = []
    for i in range(20):
        copy = tmp_path / f"copy{i}.db"
        backup(busy, copy)
        with closing(sqlite3.connect(copy)) as connection:
            first, second = connection.execute("SELECT count FROM pair").fetchall()
        assert first == second
        counts.append(first)
    assert counts[-1] > counts[0]


def test_what_the_write_ahead_log_holds_is_copied_too(written: str, tmp_path: Path) -> None:
    engine = open_engine(written)
    with engine.connect() as reader:
        reader.execute(text("SELECT 1 FROM study_record")).all()  # keeps the log from being emptied
        with writing(engine) as session:
            session.execute(text("UPDATE study_record SET seed = 4711"))
        assert (tmp_path / "study.db-wal").stat().st_size > 0
        backup(written, tmp_path / "copy.db")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("SELECT seed FROM study_record").fetchall() == [(4711,)]


@pytest.mark.parametrize("name", ["study.db", "other", "folder"])
def test_nothing_is_overwritten(name: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious")
    (tmp_path / "folder").mkdir()
    before = (tmp_path / "study.db").read_bytes()
    with pytest.raises(BackupError, match="expected a file that does not exist yet"):
        backup(written, tmp_path / name)
    assert (tmp_path / "other").read_text() == "precious"
    assert (tmp_path / "study.db").read_bytes() == before
    assert names(tmp_path) == {"study.db", "other", "folder"}


@pytest.mark.parametrize("target", ["none/copy.db", "study.db/copy.db", f"{'x' * 300}.db"])
def test_a_target_that_cannot_be_written(target: str, written: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be written: "):
        backup(written, tmp_path / target)
    assert names(tmp_path) == {"study.db"}


def test_a_damaged_database_leaves_no_copy(written: str, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    content = bytearray(path.read_bytes())
    content[-4096:] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(BackupError, match="it is damaged, and so would be its copy"):
        backup(written, tmp_path / "copy.db")
    assert names(tmp_path) == {"study.db"}


def test_a_missing_database_leaves_no_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["backup", str(tmp_path / "copy.db"), "--storage", f"sqlite:///{tmp_path}/study.db"]
    assert main(given) == 2
    assert "there is no such database" in capsys.readouterr().err
    assert names(tmp_path) == set()


@pytest.mark.parametrize("kibibytes", [0, 40, 100])
def test_a_disk_without_room_leaves_no_copy(kibibytes: int, written: str, tmp_path: Path) -> None:
    limit = kibibytes * 1024
    command = [sys.executable, "-m", "storage", "backup", str(tmp_path / "copy.db")]
    done = subprocess.run(
        [*command, "--storage", written],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    assert names(tmp_path) == {"study.db"}


def test_the_command(written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["backup", str(tmp_path / "copy.db"), "--storage", written]
    assert main(given) == 0
    assert capsys.readouterr().out.endswith("copy.db, 0.2 MiB, checked\n")
    assert main(given) == 2
    assert "copy.db: expected a file that does not exist yet" in capsys.readouterr().err


def test_postgresql_has_a_program_for_it(tmp_path: Path) -> None:
    url = "postgresql://u:secret@h:5433/my study?sslmode=require&sslpassword=secret"
    command = dump_command(url, Path("a b"))
    program, *arguments = shlex.split(command)
    assert (program, arguments[:2]) == ("pg_dump", ["--format=custom", "--file=a b"])
    assert conninfo_to_dict(arguments[2].removeprefix("--dbname=")) == {
        "user": "u",
        "host": "h",
        "port": "5433",
        "dbname": "my study",
        "sslmode": "require",
    }
    with pytest.raises(BackupError, match=r"u:\*\*\*@h.*\n  pg_dump --format=custom") as caught:
        backup(url, tmp_path / "copy.db")
    assert "secret" not in str(caught.value)
    assert names(tmp_path) == set()


@pytest.mark.slow
def test_a_study_goes_on_from_a_copy_made_while_it_ran(new_url: str, tmp_path: Path) -> None:
    command = commands.start(*commands.flags(new_url, 9, 2), env={"TRAINER_PAUSE": "0.1"})
    commands.until(lambda: _finished(new_url) >= 3)
    backup(new_url, tmp_path / "copy.db")
    command.kill()
    command.communicate()
    copied = f"sqlite:///{tmp_path}/copy.db"
    [study] = audit(copied).studies
    assert study.states["running"] >= 1
    code, _, said = commands.run(*commands.flags(copied, 9, 2))
    assert code == 0, said
    found = audit(copied)
    assert found.is_sound, found.as_text()
    assert found.studies[0].states["complete"] == 9
    assert found.studies[0].states["released"] == study.states["running"]


def _finished(url: str) -> int:
    try:
        return sum(row.state == "complete" for row in commands.rows(url))
    except StorageError:  # not made yet
        return 0


@pytest.fixture
def new_url(tmp_path: Path) -> str:
    """URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/new.db"
