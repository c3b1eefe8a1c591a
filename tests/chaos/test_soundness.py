"""The check of a study that has ended finds whatever is wrong."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from study.config import StudyConfig
from study.plan import plan
from tests.chaos.soundness import Counts, assert_sound, counts, kept
from tests.study import coordinated

FOLDS, EPOCHS, TRIALS = 2, 3, 5
CONFIG = StudyConfig.model_validate(
    {
        "folds": FOLDS,
        "arms": ["fixed", "uncertainty", "direct"],
        "training": {"epochs": EPOCHS},
        "grid": {
            "fixed": {"alpha": [0.3, 0.5], "kl_weight": [0.1], "nine_class_weight": [0.2]},
            "direct": {"lr_multiplier": [0.1]},
        },
    }
)
CELLS = [cell.hash for cell in plan(CONFIG)][:TRIALS]
ONE = "(SELECT min(trial_id) FROM trial_run WHERE state = 'complete')"

SABOTAGE = {
    f"DELETE FROM fold_score WHERE fold = 1 AND trial_id = {ONE}": r"fold rows of \[0\]",
    f"DELETE FROM fold_score WHERE trial_id = {ONE}": "no fold rows",
    f"DELETE FROM oof_prediction WHERE trial_id = {ONE}": "no predictions",
    "INSERT INTO fold_score (trial_id, fold, score) "
    "SELECT trial_id, 0, 0.5 FROM trial_run WHERE state = 'failed'": "is not complete",
    f"UPDATE fold_score SET score = 0.9 WHERE trial_id = {ONE}": "value .*, fold scores",
    f"DELETE FROM epoch_metric WHERE epoch = 2 AND trial_id = {ONE}": "2 of 3 epochs",
    f"DELETE FROM epoch_metric WHERE epoch = 1 AND trial_id = {ONE}": "there is only",
    f"DELETE FROM epoch_metric WHERE fold = 0 AND trial_id = {ONE}": "there is only",
    f"UPDATE trials SET state = 'RUNNING' WHERE trial_id = {ONE}": "in Optuna RUNNING",
    f"UPDATE trial_values SET value = 0.1 WHERE trial_id = {ONE}": "in Optuna FrozenTrial",
    f"DELETE FROM trial_intermediate_values WHERE step = 1 AND trial_id = {ONE}": "epoch 1",
    "UPDATE trial_run SET cause = NULL WHERE state = 'failed'": "without a cause",
    "DELETE FROM trial_run WHERE state = 'retry'": "failed for good after 1 attempts",
    f"UPDATE trial_run SET state = 'running' WHERE trial_id = {ONE}": "no finished trial",
    f"UPDATE trial_run SET cell = 'other' WHERE trial_id = {ONE}": "not asked for",
}
"""What may be wrong, and a pattern of what is said of it."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study in which the one cell of `direct` fails for good."""
    path = tmp_path_factory.mktemp("made") / "study.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINER_FAULTS", json.dumps({"direct": "raise"}))
        ending = coordinated.run(CONFIG, f"sqlite:///{path}", TRIALS)
    assert ending.counts == {"complete": TRIALS - 1, "failed": 1}
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def check(path: Path, cells: Sequence[str] = CELLS) -> Counts:
    return assert_sound(f"sqlite:///{path}", cells, FOLDS, EPOCHS)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_study_is_counted(path: Path) -> None:
    assert check(path) == Counts(TRIALS, TRIALS, failed=1, attempts=7, lost=0, doubled=0)


@pytest.mark.parametrize("statement", SABOTAGE)
def test_what_is_wrong_is_found(path: Path, statement: str) -> None:
    change(path, statement)
    with pytest.raises(AssertionError, match=SABOTAGE[statement]):
        check(path)


def test_a_cell_that_is_missing_is_lost(path: Path) -> None:
    with pytest.raises(AssertionError, match="cell missing: no finished trial"):
        check(path, [*CELLS, "missing"])
    found = kept(f"sqlite:///{path}")
    assert counts(found, [*CELLS, "missing"], FOLDS, EPOCHS).lost == 1
    assert counts(found, CELLS, FOLDS, EPOCHS + 1).lost == TRIALS - 1


def test_a_cell_that_was_finished_twice_is_doubled(path: Path) -> None:
    one, other = CELLS[:2]
    change(
        path,
        "DROP INDEX ux_trial_run_held_cell",
        f"UPDATE trial_run SET cell = '{one}' WHERE cell = '{other}'",
    )
    with pytest.raises(AssertionError, match=re.escape(f"cell {one}: 2 finished trials")):
        check(path)
    assert counts(kept(f"sqlite:///{path}"), CELLS, FOLDS, EPOCHS).doubled == 1
