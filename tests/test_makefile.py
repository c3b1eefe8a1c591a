"""The environment that make keeps, made by an interpreter that only notes what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAMP = ".venv/.installed"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def interpreter(folder: Path, version: tuple[int, int]) -> Path:
    """A Python of this version that writes pip's arguments to pip.log and installs nothing."""
    path = folder / "python-of-test"
    code = f"import sys; sys.version_info = {version}; sys.version = '{version[0]}.{version[1]}.7'"
    path.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        '"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;\n'
        f'"-m pip") echo "$@" >> "{folder}/pip.log" ;;\n'
        f'*) exec "{sys.executable}" -c "{code}; exec(sys.argv[1])" "$2" ;;\n'
        "esac\n"
    )
    path.chmod(0o755)
    return path


def made(clone: Path, python: Path | str, target: str = STAMP) -> subprocess.CompletedProcess[str]:
    command = ["make", target, f"PYTHON={python}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command, cwd=clone, env=clean, capture_output=True, text=True, check=False
    )


def test_torch_comes_first_and_all_is_pinned(clone: Path) -> None:
    assert made(clone, interpreter(clone, (3, 12))).returncode == 0
    torch, project = (clone / "pip.log").read_text().splitlines()
    assert torch.endswith("--constraint constraints.txt torch")
    assert project.endswith("--constraint constraints.txt --editable .[dev]")


def test_nothing_is_installed_twice_unless_what_is_asked_for_changed(clone: Path) -> None:
    python = interpreter(clone, (3, 12))
    for _ in range(2):
        assert made(clone, python).returncode == 0
    assert len((clone / "pip.log").read_text().splitlines()) == 2
    later = time.time() + 10
    os.utime(clone / "constraints.txt", (later, later))
    assert made(clone, python).returncode == 0
    assert len((clone / "pip.log").read_text().splitlines()) == 4


@pytest.mark.parametrize("target", ["study", "test", "test-slow", "check"])
def test_older_python_is_refused_before_anything_is_made(clone: Path, target: str) -> None:
    done = made(clone, interpreter(clone, (3, 9)), target)
    assert done.returncode == 2
    assert "expected Python 3.11 or newer, found 3.9.7; name another with make PYTHON=" in (
        done.stderr
    )
    assert not (clone / ".venv").exists()


def test_no_python_is_said(clone: Path) -> None:
    done = made(clone, "")
    assert done.returncode == 2
    assert "expected Python 3.11 or newer on the PATH, found none" in done.stderr


def test_help_lists_every_target(clone: Path) -> None:
    told = made(clone, sys.executable, "help").stdout
    assert [line.split()[1] for line in told.splitlines()] == [
        "help",
        "study",
        "test",
        "test-slow",
        "check",
        "benchmarks",
        "clean",
    ]
