"""Studies run by the coordinator in this process, and what their trainer is made to do."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from study.config import RunOptions, StudyConfig
from study.launch import Ending, run_study
from study.opening import Database
from tests.study.trainers import STEADY


def run(config: StudyConfig, url: str, n_trials: int, **options: float) -> Ending:
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
