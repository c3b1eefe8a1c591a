"""Studies run to their end in real worker processes, on real SQLite files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from storage import queries
from study.config import RunOptions, StudyConfig
from study.errors import WorkerError
from study.launch import Ending, run_study
from study.opening import Database
from study.plan import plan
from tests.study import commands
from tests.study.trainers import STEADY, score_of

TRAINERS = "tests.study.trainers"


def run(config: StudyConfig, url: str, n_trials: int, **options: int) -> Ending:
    given = RunOptions.model_validate({"n_trials": n_trials, "workers": 1} | options)
    return run_study(config, given, url, STEADY)


def optuna_trials(database: Database) -> list[optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name="study", storage=database.optuna)
    return study.get_trials(deepcopy=False)


def faults(monkeypatch: pytest.MonkeyPatch, **by_scheme: str) -> None:
    monkeypatch.setenv("TRAINER_FAULTS", json.dumps(by_scheme))


def journal(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    path = folder / "journal"
    monkeypatch.setenv("TRAINER_JOURNAL", str(path))
    return path


def jobs(path: Path) -> list[list[str]]:
    """Schemes of every job that was begun."""
    return [line.split()[1:] for line in path.read_text().splitlines()]


def test_n_trials_is_a_total(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = journal(monkeypatch, tmp_path)
    assert run(config, url, 3) == Ending(3, {"complete": 3})
    assert run(config, url, 3) == Ending(3, {"complete": 3})
    assert len(jobs(begun)) == 3
    assert run(config, url, 5) == Ending(5, {"complete": 5})
    assert [row.cell for row in commands.rows(url)] == [cell.hash for cell in plan(config)[:5]]


def test_more_trials_than_cells_end_well_and_are_mentioned(
    config: StudyConfig, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(config, url, 99, workers=2) == Ending(14, {"complete": 14})
    assert "asked for 99, the plan has 14 cells" in caplog.text


def test_a_trial_is_in_both_tables(config: StudyConfig, url: str, database: Database) -> None:
    run(config, url, 1)
    (trial,) = optuna_trials(database)
    (row,) = commands.rows(url)
    first = plan(config)[0]
    score = score_of(config.loss)
    assert trial.state == TrialState.COMPLETE
    assert trial.params == {"arm": "fixed", **first.params}
    assert trial.value == row.value == pytest.approx(score)
    assert trial.intermediate_values == pytest.approx({0: score / 3, 1: score * 2 / 3, 2: score})
    assert trial.user_attrs == {
        "arm": "fixed",
        "cell": first.hash,
        "run": row.run_id,
        "binary_f1": pytest.approx(score),
        "macro_f1": pytest.approx(score),
        "score_sd": pytest.approx(0.02 / np.sqrt(2)),
    }
    assert (row.trial_id, row.number, row.state) == (trial._trial_id, 0, "complete")
    assert (row.device, row.device_seconds) == ("cpu", 1.5)
    assert row.worker is not None
    study_id = queries.study_by_name(database.engine, "study").study_id
    folds = queries.fold_rows(database.engine, study_id)
    assert [fold.score for fold in folds] == pytest.approx([score - 0.01, score + 0.01])
    assert len(queries.epoch_rows(database.engine, study_id)) == 2 * config.training.epochs
    predictions = queries.oof_rows(database.engine, study_id)
    assert [prediction.sequence_ids for prediction in predictions] == [("a", "b")] * 2


def test_the_study_is_maximised_and_its_metric_named(
    config: StudyConfig, url: str, database: Database
) -> None:
    run(config, url, 1)
    study = optuna.load_study(study_name="study", storage=database.optuna)
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.metric_names == ["score"]


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
