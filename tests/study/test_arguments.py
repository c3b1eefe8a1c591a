"""Flags of study.run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from study.errors import UsageError
from study.run_arguments import RunParser

FLAGS = {
    "--n-trials", "--data", "--storage", "--study-name", "--config", "--preset", "--arms",
    "--folds", "--epochs", "--seed", "--workers", "--device", "--stack", "--dry-run",
    "--accept-changes", "--stall-limit", "--trial-limit", "--outage-limit", "--log-format",
    "--log-level", "--confirm", "--until-decided", "--reruns",
}  # fmt: skip


def fault(*flags: str) -> str:
    with pytest.raises(UsageError) as caught:
        RunParser().parse(flags)
    return str(caught.value)


def test_every_flag_is_there_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        RunParser().parse(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert {word for word in shown.split() if word in FLAGS} == FLAGS


def test_what_is_not_given_is_none() -> None:
    given = vars(RunParser().parse(["--n-trials", "3"]))
    assert {name for name, value in given.items() if value not in (None, False)} == {
        "n_trials",
        "study_name",
    }


def test_a_mistyped_flag_gets_a_suggestion() -> None:
    assert fault("--n-trails", "8") == "--n-trails: no such flag; did you mean '--n-trials'?"
    assert "did you mean '--folds'?" in fault("--fold=3")


def test_flags_are_never_completed() -> None:
    assert "--dry: no such flag" in fault("--dry", "--n-trials", "3")


def test_all_strays_come_at_once() -> None:
    message = fault("8", "--foldz", "3", "--epoch=4", "more")
    assert "expected flags and their values, found '8'" in message
    assert "--foldz: no such flag" in message
    assert "--epoch: no such flag" in message
    assert "found 'more'" in message
    assert "'3'" not in message, "the value of an unknown flag is no fault of its own"


def test_a_flag_without_its_value() -> None:
    assert "--n-trials: expected one argument" in fault("--n-trials")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from study.run_arguments import RunParser; RunParser().format_help();"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    heavy = {"torch", "pandas", "sqlalchemy", "optuna", "pydantic", "numpy", "sklearn"}
    assert heavy.isdisjoint(done.stdout.split())
