from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.engine import open_engine, reading
from storage.errors import UnavailableError, UrlError
from storage.schema import head
from storage.url import masked, resolve_url, sqlite_path


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STUDY_STORAGE", raising=False)


def test_the_flag_goes_before_the_environment_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve_url(None) == "sqlite:///study.db"
    monkeypatch.setenv("STUDY_STORAGE", "sqlite:///other.db")
    assert resolve_url(None) == "sqlite:///other.db"
    assert resolve_url("sqlite:///flag.db") == "sqlite:///flag.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_goes_through_psycopg(scheme: str) -> None:
    assert resolve_url(f"{scheme}://u:p%40@h/db") == "postgresql+psycopg://u:p%40@h/db"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "expected sqlite:///FILE or postgresql://"),
        ("study.db", "expected sqlite:///FILE or postgresql://"),
        ("postgresql:/u:secret@h/db", r"found 'postgresql:/u:\*\*\*@h/db'"),
        ("postgresql//u:se@secret@h", r"found 'postgresql//u:\*\*\*@h'"),
        ("u:secret@h/db", r"found 'u:\*\*\*@h/db'"),
        ("mysql://u:secret@h/db", "found scheme 'mysql'"),
        ("postgresql+psycopg2://u:secret@h/db", "expected the driver psycopg, found 'psycopg2'"),
        ("postgresql://u:secret@h", "expected the name of a database"),
        ("postgresql://u:secret@h:port/db", "expected sqlite:///FILE or postgresql://"),
        ("sqlite://", "expected a file that several processes can open"),
        ("sqlite:///:memory:", "expected a file that several processes can open"),
        ("sqlite://study.db", "expected a file"),
        ("sqlite:///study.db?mode=ro", "expected nothing but a path"),
        ("sqlite:///none/such/study.db", "folder .*none/such does not exist; create it first"),
        ("sqlite:///plain/study.db", "expected a folder, but .*plain is a file"),
        ("sqlite:///plain/deeper/study.db", "expected a folder, but .*plain is a file"),
        ("sqlite:///plain", "expected an SQLite database, but plain is something else"),
        ("sqlite:///folder", "expected a file, but folder is a folder"),
        ("sqlite:////dev/null", "expected an SQLite database, but /dev/null is no regular file"),
        (f"sqlite:///{'x' * 300}.db", "cannot be opened: File name too long"),
        ("sqlite:///x\udcff.db", "in UTF-8"),
    ],
)
def test_a_url_that_cannot_be_used(url: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("not a database")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UrlError, match=message) as caught:
        resolve_url(url)
    assert "secret" not in str(caught.value)
    assert {path.name for path in tmp_path.rglob("*")} == {"plain", "folder"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_or_file_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.touch(mode=0o444)
    with pytest.raises(UrlError, match=r"study\.db cannot be written; change its permissions"):
        resolve_url("sqlite:///study.db")
    tmp_path.chmod(0o555)
    with pytest.raises(UrlError, match="SQLite keeps files beside the database"):
        resolve_url("sqlite:///study.db")
    tmp_path.chmod(0o755)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.url.find_spec", lambda _: None)
    with pytest.raises(UrlError, match="pip install"):
        resolve_url("postgresql://u@h/db")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:se@cr/et@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db?password=secret&x=1", "postgresql://u@h/db?password=***&x=1"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("sqlite:////data/a:b@c.db", "sqlite:////data/a:b@c.db"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_odd_characters_in_a_file_name_survive() -> None:
    url = resolve_url("sqlite:///a {b} 100%é#.db")
    assert sqlite_path(url) == Path("a {b} 100%é#.db")


def test_a_server_that_is_not_there_is_reported_without_the_password(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql://u:secret@/db?host={tmp_path}")
    with pytest.raises(UnavailableError) as caught, reading(engine) as session:
        session.execute(text("SELECT 1"))
    assert "u:***@" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "storage", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_upgrade_from_the_command_line(tmp_path: Path) -> None:
    done = run("upgrade", "--storage", f"sqlite:///{tmp_path}/study.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"study.db: schema {head()}\n")


def test_a_mistake_on_the_command_line_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = run("upgrade", "--storage", f"sqlite:///{tmp_path}/none/study.db")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "does not exist; create it first" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_imports_neither_sqlalchemy_nor_optuna() -> None:
    code = (
        "import sys, storage.__main__ as m\n"
        "try: m.main(['upgrade', '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'sqlalchemy', 'optuna', 'alembic'} & set(sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"--storage URL" in done.stdout
