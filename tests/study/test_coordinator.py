"""Studies run to their end in real worker processes, on real SQLite files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from storage import queries
from study.config import RunOptions, StudyConfig
from study.launch import Ending, run_study
from study.opening import Database
from study.plan import plan
from tests.study import commands
from tests.study.coordinated import jobs, journal, optuna_trials, run
from tests.study.trainers import STEADY, score_of


def run_auto(config: StudyConfig, url: str, n_trials: int) -> Ending:
    return run_study(config, RunOptions(n_trials=n_trials), url, STEADY)


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


def test_every_gpu_gets_a_worker_and_each_a_share_of_the_cells(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRAINER_DEVICES", "gpu:0 gpu:1")
    monkeypatch.setenv("TRAINER_STACK", "64")
    monkeypatch.setenv("TRAINER_PAUSE", "0.2")
    begun = journal(monkeypatch, tmp_path)
    assert run_auto(config, url, 9).finished == 9
    assert [row.device for row in commands.rows(url)] == ["gpu:0"] * 5 + ["gpu:1"] * 4
    assert len(jobs(begun)) == 2


def test_more_workers_than_gpus_take_turns_with_them(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_DEVICES", "gpu:0 gpu:1")
    monkeypatch.setenv("TRAINER_STACK", "4")
    monkeypatch.setenv("TRAINER_PAUSE", "0.5")
    assert run(config, url, 6, workers=3) == Ending(6, {"complete": 6})
    of_worker = {(row.worker, row.device) for row in commands.rows(url)}
    assert sorted(device or "" for _, device in of_worker) == ["gpu:0", "gpu:0", "gpu:1"]
