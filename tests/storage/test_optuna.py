"""Optuna's storage as this package opens it."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from sqlalchemy import text

from storage.engine import open_engine, writing
from storage.errors import UnavailableError
from storage.optuna_schema import open_optuna


def test_optuna_works_on_the_same_database(own_url: str) -> None:
    study = optuna.create_study(storage=open_optuna(own_url), study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    again = optuna.load_study(storage=open_optuna(own_url, reads_only=True), study_name="s")
    assert [trial.number for trial in again.trials] == [0, 1]


def test_a_reader_of_optuna_does_not_wait_for_a_writer(sqlite_url: str) -> None:
    optuna.create_study(storage=open_optuna(sqlite_url), study_name="s")
    reader = open_optuna(sqlite_url, reads_only=True)
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        session.execute(text("DELETE FROM study_record"))
        assert [study.study_name for study in reader.get_all_studies()] == ["s"]


def test_a_write_of_ours_waits_for_optunas_transaction(sqlite_url: str) -> None:
    storage = open_optuna(sqlite_url)
    ours = open_engine(sqlite_url, busy_seconds=0.1)
    locked = pytest.raises(UnavailableError, match="has it locked")
    with storage.engine.begin(), locked, writing(ours):
        pass


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no such database"):
        open_optuna(f"sqlite:///{tmp_path}/study.db")
    assert list(tmp_path.iterdir()) == []
