"""A study whose database goes away while it runs: locked by somebody, here, for a while."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from storage import queries
from storage.engine import open_engine
from storage.errors import UnavailableError
from storage.url import sqlite_path
from study.config import StudyConfig
from study.launch import Ending
from study.opening import Database
from tests.study import commands
from tests.study.coordinated import optuna_trials, run


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the database waits a tenth of a second, and is then in an outage."""
    monkeypatch.setattr("study.runner.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("storage.engine.RETRY_SECONDS", 0.1)
    monkeypatch.setattr("study.coordinator.FLUSH_SECONDS", 0.2)


@contextmanager
def locked(url: str, after: float, seconds: float) -> Iterator[None]:
    """Meanwhile, the database is locked for so many seconds by somebody."""
    path = sqlite_path(url)
    assert path is not None

    def lock() -> None:
        time.sleep(after)
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.usefixtures("impatient")
def test_workers_go_on_and_nothing_is_lost(
    config: StudyConfig,
    url: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("TRAINER_PAUSE", "0.3")
    with locked(url, after=1.5, seconds=3):
        assert run(config, url, 6, workers=2) == Ending(6, {"complete": 6})
    assert "workers go on and results are kept" in caplog.text
    assert "the database is back" in caplog.text
    rows = commands.rows(url)
    assert [(row.state, row.attempt) for row in rows] == [("complete", 1)] * 6
    study_id = queries.study_by_name(database.engine, "study").study_id
    assert len(queries.epoch_rows(database.engine, study_id)) == 6 * 2 * config.training.epochs
    assert len(queries.fold_rows(database.engine, study_id)) == 6 * 2
    shown = optuna_trials(database)
    assert [trial.value for trial in shown] == [row.value for row in rows]
    assert all(set(trial.intermediate_values) == {0, 1, 2} for trial in shown)


@pytest.mark.usefixtures("impatient")
def test_an_outage_past_its_limit_ends_the_run_and_the_next_goes_on(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TRAINER_PAUSE", "0.3")
    with locked(url, after=1.5, seconds=6), pytest.raises(UnavailableError, match="locked"):
        run(config, url, 6, outage_limit=0.3)
    assert "what ran is free again when its leases have run out" in caplog.text
    assert run(config, url, 6) == Ending(6, {"complete": 6})
    engine = open_engine(url)
    study_id = queries.study_by_name(engine, "study").study_id
    assert len(queries.fold_rows(engine, study_id)) == 6 * 2
    engine.dispose()
