"""A run with nothing left to do starts no worker."""

from __future__ import annotations

import optuna
import pytest

from storage.engine import open_engine, writing
from storage.optuna_schema import open_optuna
from study.run import main
from study.run_arguments import RunParser
from study.sequences import study_sequences
from study.sources import resolve
from tests.study.commands import rows
from tests.study.trainers import STEADY

NO_WORKER = "tests.study.trainers:dying"
"""A trainer that ends every run which starts a worker."""
FLAGS = ("--preset", "smoke", "--workers", "1")


def run(url: str, trainer: str, *flags: str, n_trials: int = 2) -> int:
    asked = ["--n-trials", str(n_trials), "--storage", url, *FLAGS, *flags]
    return main(asked, trainer)


@pytest.fixture
def finished(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """URL of a study that holds two trials, on data as they are."""
    config, _ = resolve(RunParser().parse(["--n-trials", "2", *FLAGS]), {})
    monkeypatch.setenv("TRAINER_DATA", study_sequences(config).digest)
    assert run(url, STEADY) == 0
    capsys.readouterr()
    return url


def test_the_same_command_reports_and_starts_no_worker(
    finished: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "study")
    assert run(finished, NO_WORKER) == 0
    assert "2 complete" in capsys.readouterr().out
    assert "nothing left to do: 2/2 trials are finished" in caplog.text
    assert run(finished, NO_WORKER, n_trials=1) == 0


def test_a_confirmation_that_is_finished_starts_no_worker(finished: str) -> None:
    assert run(finished, NO_WORKER, "--confirm", "2") == 2
    assert run(finished, STEADY, "--confirm", "1") == 0
    assert run(finished, NO_WORKER, "--confirm", "1") == 0
    assert run(finished, NO_WORKER) == 0
    assert run(finished, NO_WORKER, "--confirm", "2") == 2
    assert run(finished, STEADY, "--confirm", "2") == 0
    assert run(finished, NO_WORKER, "--confirm", "2") == 0


def test_more_trials_or_another_study_need_a_worker(finished: str) -> None:
    assert run(finished, NO_WORKER, n_trials=3) == 2
    assert run(finished, NO_WORKER, "--study-name", "other") == 2


@pytest.mark.parametrize(
    ("flags", "difference"),
    [(("--seed", "1"), "seed was 0, is now 1"), (("--arms", "fixed"), "arms cannot change")],
)
def test_a_study_that_is_not_what_it_was_is_refused(
    flags: tuple[str, str], difference: str, finished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(finished, STEADY, *flags, n_trials=1) == 2
    assert difference in capsys.readouterr().err


def test_other_data_are_refused(
    finished: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAINER_DATA", "other")
    assert run(finished, STEADY, "--data", "synthetic") == 2
    assert "the content is not the same" in capsys.readouterr().err


def test_a_study_deleted_in_optuna_runs_anew(finished: str) -> None:
    optuna.delete_study(study_name="study", storage=open_optuna(finished))
    assert run(finished, NO_WORKER) == 2
    assert run(finished, STEADY) == 0
    assert len(rows(finished)) == 2


def test_what_dead_processes_left_is_taken_up(finished: str) -> None:
    engine = open_engine(finished)
    with writing(engine) as session:
        session.connection().exec_driver_sql("UPDATE trial_run SET told = 0 WHERE id = 1")
    assert run(finished, NO_WORKER) == 2
    assert run(finished, STEADY) == 0
    assert run(finished, NO_WORKER) == 0
    engine.dispose()
