"""A large study is checked in well under two seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.audit import audit
from storage.engine import open_engine, writing
from tests.storage.every_state import writing_to

TRIALS, FOLDS, EPOCHS = 1000, 5, 30
COPIES = (
    'UPDATE study_record SET config = \'{{"folds": {folds}, "training": {{"epochs": {epochs}}}}}\'',
    "CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n "
    "WHERE i < {trials}) SELECT i FROM n",
    "CREATE TABLE k AS SELECT i - 2 AS i FROM n",
    "DELETE FROM fold_score",
    "DELETE FROM oof_prediction",
    "DELETE FROM epoch_metric",
    "INSERT INTO trials (trial_id, number, study_id, state) SELECT i, i - 1, 1, 'COMPLETE' FROM n",
    "INSERT INTO trial_values (trial_id, objective, value, value_type) "
    "SELECT i, 0, 0.625, 'FINITE' FROM n",
    "INSERT INTO trial_run (id, study_id, trial_id, number, cell, arm, repeat, params, state, "
    "attempt, told, holder, host, boot, pid, process_started, lease_expires, value, started, "
    "code_hash, data_hash, config_hash, environment) SELECT i, 1, i, i - 1, 'cell ' || i, arm, "
    "repeat, params, state, attempt, told, holder, host, boot, pid, process_started, "
    "lease_expires, value, started, code_hash, data_hash, config_hash, environment "
    "FROM trial_run, n WHERE trial_id = 1",
    "INSERT INTO fold_score (trial_id, fold, score) "
    "SELECT trial_id, k.i, 0.5 FROM trial_run, k WHERE k.i < {folds}",
    "INSERT INTO oof_prediction (trial_id, fold, predicted, sequence_ids) "
    "SELECT trial_id, k.i, zeroblob(500), zeroblob(2000) FROM trial_run, k WHERE k.i < {folds}",
    "INSERT INTO epoch_metric (trial_id, fold, epoch, score, train_total, val_total, "
    "weight_multiclass, weight_binary, weight_nine_class, weight_kl, train_multiclass, "
    "train_binary, val_multiclass, val_binary) "
    "SELECT trial_id, k.i, e.i, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5 "
    "FROM trial_run, k, k AS e WHERE k.i < {folds} AND e.i < {epochs}",
)


@pytest.mark.slow
def test_a_study_of_1000_trials(sqlite_url: str, tmp_path: Path) -> None:
    with writing_to(sqlite_url) as study:
        assert study.complete() == 1
    engine = open_engine(sqlite_url)
    sizes = {"trials": TRIALS, "folds": FOLDS, "epochs": EPOCHS}
    with writing(engine) as session:
        for statement in COPIES:
            session.execute(text(statement.format(**sizes).replace(":", r"\:")))
    assert (tmp_path / "study.db").stat().st_size > 20e6
    before = time.process_time()
    found = audit(engine)
    took = time.process_time() - before
    assert found.is_sound, found.as_text()
    assert found.studies[0].states == {"complete": TRIALS}
    assert took < 2, f"{took:.2f} s"
    print(f"{took:.2f} s")
