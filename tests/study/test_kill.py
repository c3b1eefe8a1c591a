"""kill -9 of a process that runs a study, before each of its commits in turn."""

from __future__ import annotations

import math
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event

from model.outcomes import EpochReport, FoldResult, TrialResult
from storage import queries
from storage.queries import TrialRow
from storage.rows import CellRef, Fingerprints
from storage.runs import Runs
from study.config import StudyConfig
from study.fingerprint import Fingerprint
from study.holder import this_process
from study.mirror import Mirror
from study.opening import Database, open_study
from study.plan import plan
from study.space import distributions
from study.trial import Place, Trial
from study.trials import Trials
from tests.storage.processes import start
from tests.study.conftest import ARMS

PLACE = Place("host:1", "cpu")
EPOCHS = 3


def test_nothing_of_a_finished_trial_is_lost_whenever_its_process_is_killed(
    url: str, database: Database, config: StudyConfig, made_of: Fingerprint, tmp_path: Path
) -> None:
    open_study(database, "study", config, made_of)
    closed(database)
    made = shutil.copy(tmp_path / "study.db", tmp_path / "made.db")
    with killed_after(math.inf, database) as commits:
        run_two_trials(database, config)
    finished = [finished_and_whole(database)]
    for left in reversed(range(len(commits))):
        closed(database)
        shutil.copy(made, tmp_path / "study.db")
        process = start(run_and_be_killed, left, database, config)
        process.join(timeout=60)
        assert process.exitcode == -signal.SIGKILL
        finished.append(finished_and_whole(database))
    assert finished == sorted(finished, reverse=True)
    assert set(finished) == {0, 1, 2}


def run_and_be_killed(left: int, database: Database, config: StudyConfig) -> None:
    with killed_after(left, database):
        run_two_trials(database, config)


@contextmanager
def killed_after(left: float, database: Database) -> Iterator[list[None]]:
    """Kills this process instead of a commit after so many. Gives the list of commits."""
    commits: list[None] = []

    def commit(_: object) -> None:
        if len(commits) == left:
            os.kill(os.getpid(), signal.SIGKILL)
        commits.append(None)

    for engine in (database.engine, database.optuna.engine):
        event.listen(engine, "commit", commit)
    yield commits
    for engine in (database.engine, database.optuna.engine):
        event.remove(engine, "commit", commit)


def run_two_trials(database: Database, config: StudyConfig) -> None:
    """What a coordinator does."""
    trials = trials_of(database)
    cells = [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in plan(config)]
    both = trials.start(trials.claim(cells, 2), PLACE)
    for epoch in range(EPOCHS):
        for trial in both:
            trials.report(trial, EpochReport(trial.key, epoch, {"score": np.full(2, epoch / 8)}))
        if epoch == 1:
            trials.flush()
    for trial in both:
        trials.complete(trial, result(trial), PLACE)
        trials.flush()


def finished_and_whole(database: Database) -> int:
    """Take up what is left; how many trials are finished, all of them whole in both tables."""
    trials_of(database).reconcile()
    study_id = queries.study_by_name(database.engine, "study").study_id
    rows = queries.trial_rows(database.engine, study_id)
    shown = {t._trial_id: t for t in database.optuna.get_all_trials(study_id)}
    assert all(trial.state.is_finished() for trial in shown.values())
    complete = [row for row in rows if row.state == "complete"]
    assert {row.state for row in rows} <= {"complete", "released"}
    for row in complete:
        assert row.trial_id is not None
        assert_whole(database, row, shown[row.trial_id])
    return len(complete)


def assert_whole(database: Database, row: TrialRow, shown: FrozenTrial) -> None:
    """Folds, predictions, histories, and all that Optuna shows."""
    assert row.trial_id is not None
    study_id = queries.study_by_name(database.engine, "study").study_id
    history = queries.epoch_rows(database.engine, study_id, ("score",), [row.trial_id])
    assert history == [(row.trial_id, k, e, e / 8) for k in range(2) for e in range(EPOCHS)]
    folds = queries.fold_rows(database.engine, study_id)
    assert [fold.fold for fold in folds if fold.trial_id == row.trial_id] == [0, 1]
    assert len(queries.oof_rows(database.engine, study_id, [row.trial_id])) == 2
    assert shown.state == TrialState.COMPLETE
    assert shown.value == row.value
    assert shown.intermediate_values == {epoch: epoch / 8 for epoch in range(EPOCHS)}
    assert {"score_sd", "binary_f1", "macro_f1"} <= shown.user_attrs.keys()


def trials_of(database: Database) -> Trials:
    """What this process writes to."""
    study = optuna.load_study(study_name="study", storage=database.optuna)
    runs = Runs(database.engine, study._study_id, this_process())
    mirror = Mirror(study, database.optuna, distributions(ARMS))
    return Trials(runs, mirror, Fingerprints("code", "data", "config", {}))


def closed(database: Database) -> None:
    """No connection stays open: none to the file before, none shared with a forked process."""
    database.engine.dispose()
    database.optuna.engine.dispose()


def result(trial: Trial) -> TrialResult:
    fold = FoldResult(0.7, 0.8, 0.6, 1, 0.75, ("a", "b"), np.zeros(2, np.uint8))
    return TrialResult(trial.key, (fold, fold), 2.0)
