"""Trials that fail, stacks that do not fit and workers that cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.trial import TrialState

from storage import queries
from study.config import RunOptions, StudyConfig
from study.errors import WorkerError
from study.launch import Ending, run_study
from study.opening import Database
from study.plan import plan
from tests.study import commands
from tests.study.coordinated import faults, jobs, journal, optuna_trials, run

TRAINERS = "tests.study.trainers"


@pytest.mark.parametrize(
    "fault",
    [
        ("raise", "exception", "RuntimeError: a trainer went wrong"),
        ("SIGSEGV", "crashed", "the worker was killed by SIGSEGV"),
    ],
)
def test_what_failed_once_runs_again(
    config: StudyConfig,
    database: Database,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fault: tuple[str, str, str],
) -> None:
    kind, cause, reason = fault
    faults(monkeypatch, none=f"{kind} once {tmp_path}/it")
    assert run(config, url, 2) == Ending(2, {"complete": 2})
    first, *rest = commands.rows(url)
    assert (first.state, first.cause, first.attempt) == ("retry", cause, 1)
    assert first.reason is not None
    assert first.reason.rstrip().endswith(reason)
    tail = queries.log_tail(database.engine, first.run_id)
    assert tail is not None
    assert tail.startswith(f"training {first.run_id}")
    assert [(row.state, row.attempt) for row in rest] == [("complete", 2), ("complete", 1)]
    failed, *others = optuna_trials(database)
    assert failed.state == TrialState.FAIL
    assert failed.user_attrs["cause"] == cause
    assert failed.user_attrs["reason"].rstrip().endswith(reason)
    assert [trial.state for trial in others] == [TrialState.COMPLETE] * 2


def test_what_always_fails_is_tried_three_times(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, uncertainty="exit")
    assert run(config, url, 3) == Ending(3, {"complete": 2, "failed": 1})
    tries = [row for row in commands.rows(url) if row.arm == "uncertainty"]
    assert [row.state for row in tries] == ["retry", "retry", "failed"]
    assert run(config, url, 3).failed == 1
    assert len(commands.rows(url)) == 5


def test_a_loss_that_is_not_finite_is_final_and_leaves_its_history(
    config: StudyConfig, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, direct="nan")
    assert run(config, url, 3, stack=3) == Ending(3, {"complete": 2, "failed": 1})
    (row,) = [row for row in commands.rows(url) if row.arm == "direct"]
    assert (row.cause, row.reason) == (
        "non_finite_loss",
        "kl was not finite in epoch 1, fold 1",
    )
    assert row.device_seconds == 0.5
    assert row.trial_id is not None
    history = queries.epoch_rows(
        database.engine,
        queries.study_by_name(database.engine, "study").study_id,
        ("score",),
        [row.trial_id],
    )
    assert [epoch for _, _, epoch, _ in history] == [0, 1, 0, 1]


def test_of_a_stack_that_crashed_each_trial_is_tried_alone(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults(monkeypatch, direct="SIGKILL")
    begun = journal(monkeypatch, tmp_path)
    assert run(config, url, 3, stack=3) == Ending(3, {"complete": 2, "failed": 1})
    assert jobs(begun) == [
        ["none", "uncertainty", "direct"],
        ["none"],
        ["uncertainty"],
        ["direct"],
        ["direct"],
    ]


@pytest.mark.parametrize("stack", [{"stack": 8}, {}])
def test_a_stack_that_does_not_fit_is_halved_and_costs_no_attempt(
    config: StudyConfig,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stack: dict[str, int],
) -> None:
    monkeypatch.setenv("TRAINER_STACK", "8")
    monkeypatch.setenv("TRAINER_ROOM", "2")
    begun = journal(monkeypatch, tmp_path)
    assert run(config, url, 11, **stack) == Ending(11, {"complete": 11})
    assert [len(job) for job in jobs(begun)] == [8, 4, 2, 2, 2, 2, 2, 1]
    rows = commands.rows(url)
    assert [row.cell for row in rows] == [cell.hash for cell in plan(config)[:11]]
    assert {(row.state, row.attempt) for row in rows} == {("complete", 1)}


def test_histories_are_whole_when_a_stack_was_halved(
    config: StudyConfig, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_ROOM", "1")
    run(config, url, 2, stack=2)
    study_id = queries.study_by_name(database.engine, "study").study_id
    epochs = queries.epoch_rows(database.engine, study_id)
    assert len(epochs) == 2 * config.folds * config.training.epochs
    assert [len(trial.intermediate_values) for trial in optuna_trials(database)] == [3, 3]


def test_a_trial_that_does_not_fit_alone_fails_with_that_cause(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRAINER_ROOM", "0")
    begun = journal(monkeypatch, tmp_path)
    assert run(config, url, 2, stack=2) == Ending(2, {"failed": 2})
    assert [len(job) for job in jobs(begun)] == [2] + 6 * [1]
    rows = commands.rows(url)
    assert [row.state for row in rows].count("failed") == 2
    assert {(row.cause, row.reason) for row in rows} == {("device_memory", "1 trials do not fit")}


@pytest.mark.parametrize("trainer", ["without_data", "without_device", "dying"])
def test_a_worker_that_cannot_start_leaves_no_database(
    config: StudyConfig, tmp_path: Path, trainer: str
) -> None:
    options = RunOptions(n_trials=3)
    with pytest.raises(WorkerError):
        run_study(config, options, f"sqlite:///{tmp_path}/new.db", f"{TRAINERS}:{trainer}")
    assert list(tmp_path.iterdir()) == []


def test_when_no_other_worker_can_start_nothing_stays_claimed(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults(monkeypatch, none="exit")
    journal(monkeypatch, tmp_path)
    with pytest.raises(WorkerError, match="it was there a moment ago"):
        run_study(config, RunOptions(n_trials=3, workers=1), url, f"{TRAINERS}:starts_once")
    assert [row.state for row in commands.rows(url)] == ["retry"]


@pytest.mark.parametrize(
    ("limit", "cause"), [(("stall_limit", 0.5), "stalled"), (("trial_limit", 1), "deadline")]
)
def test_a_worker_past_a_limit_is_killed_and_its_cell_runs_again(
    config: StudyConfig,
    database: Database,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    limit: tuple[str, float],
    cause: str,
) -> None:
    name, seconds = limit
    faults(monkeypatch, none=f"SIGSTOP once {tmp_path}/it")
    assert run(config, url, 2, **{name: seconds}) == Ending(2, {"complete": 2})
    first, *rest = commands.rows(url)
    assert (first.state, first.cause, first.attempt) == ("retry", cause, 1)
    assert first.reason is not None
    assert f"--{name.replace('_', '-')}" in first.reason
    assert queries.log_tail(database.engine, first.run_id) == f"training {first.run_id}"
    assert [(row.state, row.attempt) for row in rest] == [("complete", 2), ("complete", 1)]


def test_a_cell_that_always_stalls_fails_for_good(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, uncertainty="SIGSTOP")
    assert run(config, url, 3, stall_limit=0.5) == Ending(3, {"complete": 2, "failed": 1})
    stalled = [row for row in commands.rows(url) if row.arm == "uncertainty"]
    assert [(row.state, row.cause) for row in stalled] == [
        ("retry", "stalled"),
        ("retry", "stalled"),
        ("failed", "stalled"),
    ]


def test_a_worker_killed_from_outside_is_taken_for_one_without_memory(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults(monkeypatch, none=f"SIGKILL once {tmp_path}/it")
    assert run(config, url, 1) == Ending(1, {"complete": 1})
    first = commands.rows(url)[0]
    assert first.cause == "host_memory"
    assert first.reason is not None
    assert first.reason.startswith("the worker was killed by SIGKILL")
