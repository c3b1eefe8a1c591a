"""What `python -m study.report` makes of odd studies, names and files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from study.report.__main__ import main
from tests.study.recorded import BASELINE, database, every_kind_of_trial, recording


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return every_kind_of_trial(tmp_path_factory.mktemp("recorded"))


def test_empty_study_is_no_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = database(tmp_path)
    with recording(url):
        pass
    assert main(["--storage", url]) == 0
    said = capsys.readouterr().out
    assert "no trials yet" in said
    assert "No trial has completed yet." in said


def test_study_of_failed_trials_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.fail(BASELINE, "non_finite_loss", "epoch 0, fold 0, binary", final=True)
    assert main(["--storage", url]) == 0
    said = capsys.readouterr().out
    assert "No trial has completed yet; 1 failed for good." in said
    assert "epoch 0, fold 0, binary" in said
    assert "nan" not in said


def test_unknown_study_lists_those_there_are(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "stduy"]) == 2
    assert capsys.readouterr().err == ("expected study 'stduy' in the storage, found 'study'\n")


def test_missing_database_is_not_created(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert "there is no such database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_newer_schema_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = database(tmp_path)
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("UPDATE study_alembic_version SET version_num = '9999'")
    connection.close()
    assert main(["--storage", url]) == 2
    assert "which a newer version made" in capsys.readouterr().err


def test_output_that_cannot_be_written(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", url, "--output", str(tmp_path / "no" / "report.txt")]) == 2
    assert f"folder {tmp_path / 'no'} does not exist; create it first" in capsys.readouterr().err


def test_output_replaces_a_file_and_leaves_nothing_beside_it(url: str, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text("old")
    assert main(["--storage", url, "--output", str(report)]) == 0
    assert "\nstudy 'study' on wisdm51: " in report.read_text()
    assert list(tmp_path.iterdir()) == [report]


def test_a_name_no_study_can_have(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "x\udcff"]) == 2
    assert "found 'study'" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["study.report", "study.dashboard", "study.status"])
def test_help_imports_nothing_heavy(module: str) -> None:
    probe = (
        "import runpy, sys, atexit\n"
        "heavy = {'torch', 'pandas', 'sqlalchemy', 'optuna', 'sklearn', 'pytorch_lightning'}\n"
        "atexit.register(lambda: print('heavy:', sorted(heavy & set(sys.modules))))\n"
        f"sys.argv = [{module!r}, '--help']\n"
        f"runpy.run_module({module!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stdout
