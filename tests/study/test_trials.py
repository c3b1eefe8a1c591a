"""Trials in both tables: late results, what dead processes leave, pruning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from model.outcomes import EpochReport, FoldResult, TrialResult
from storage.rows import CellRef, Fingerprints, RunResult
from storage.runs import Runs
from study.config import StudyConfig
from study.fingerprint import Fingerprint
from study.holder import this_process
from study.mirror import Mirror
from study.opening import Database, open_study
from study.plan import plan
from study.space import distributions
from study.trials import LOST, Place, Trial, Trials
from tests.study.commands import rows

PLACE = Place("host:1", "cpu")
MADE_OF = Fingerprints("code", "data", "config", {})
PREDICTED = np.array([0, 1], dtype=np.uint8)


class Process:
    """One process that runs the study, and the pieces it is made of."""

    def __init__(self, database: Database, study: optuna.Study, lease_seconds: float) -> None:
        study_id = database.optuna.get_study_id_from_name(study.study_name)
        self.runs = Runs(database.engine, study_id, this_process(), lease_seconds)
        self.mirror = Mirror(
            study, database.optuna, distributions(("fixed", "uncertainty", "direct"))
        )
        self.trials = Trials(self.runs, self.mirror, MADE_OF)

    def begin(self, cells: list[CellRef]) -> Trial:
        (trial,) = self.trials.start(self.trials.claim(cells, 1), PLACE)
        return trial


@pytest.fixture
def study(database: Database, config: StudyConfig, made_of: Fingerprint) -> optuna.Study:
    return open_study(database, "study", config, made_of)


@pytest.fixture
def cells(config: StudyConfig) -> list[CellRef]:
    return [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in plan(config)]


@pytest.fixture
def process(database: Database, study: optuna.Study) -> Process:
    return Process(database, study, lease_seconds=60)


@pytest.fixture
def other(database: Database, study: optuna.Study) -> Process:
    return Process(database, study, lease_seconds=60)


@pytest.fixture
def sleeper(database: Database, study: optuna.Study) -> Process:
    """A process whose leases run out at once, as those of one that was asleep."""
    return Process(database, study, lease_seconds=0)


def report(trial: Trial, epoch: int, score: float) -> EpochReport:
    return EpochReport(trial.key, epoch, {"score": np.full(2, score)})


def result(trial: Trial) -> TrialResult:
    fold = FoldResult(0.7, 0.8, 0.6, 1, 0.75, ("a", "b"), PREDICTED)
    return TrialResult(trial.key, (fold, replace(fold, score=0.9)), 2.0)


def optuna_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False)


def test_a_late_result_is_refused(
    process: Process, sleeper: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    late = sleeper.begin(cells)
    process.trials.reconcile()
    taken_over = process.begin(cells)
    assert taken_over.cell == late.cell
    assert not sleeper.trials.complete(late, result(late), PLACE)
    assert process.trials.complete(taken_over, result(taken_over), PLACE)
    lost, kept = optuna_trials(study)
    assert (lost.state, lost.user_attrs["cause"]) == (TrialState.FAIL, "lost_lease")
    assert kept.state == TrialState.COMPLETE
    assert kept.value == pytest.approx(0.8)
    assert [row.state for row in rows(url)] == ["released", "complete"]


def test_a_trial_whose_claim_is_lost_is_to_go_no_further(
    process: Process, sleeper: Process, cells: list[CellRef]
) -> None:
    late = sleeper.begin(cells)
    assert sleeper.trials.report(late, report(late, 0, 0.5))
    process.trials.reconcile()
    sleeper.trials.flush()
    assert late.lost
    assert not sleeper.trials.report(late, report(late, 1, 0.5))
    assert sleeper.trials.fail(late, "exception", "too late") is None


def test_a_claim_lost_before_its_start_is_not_started(
    process: Process, sleeper: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    claimed = sleeper.trials.claim(cells, 1)
    process.trials.reconcile()
    assert sleeper.trials.start(claimed, PLACE) == []
    (trial,) = optuna_trials(study)
    assert (trial.state, trial.user_attrs["reason"]) == (TrialState.FAIL, LOST)


def test_a_result_written_by_a_process_that_then_died_is_told(
    process: Process, other: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    trial = process.begin(cells)
    written = RunResult(value=0.8, folds=(), device_seconds=1.0, worker="host:1", device="cpu")
    process.runs.complete(trial.run_id, written)
    assert optuna_trials(study)[0].state == TrialState.RUNNING
    other.trials.reconcile()
    (told,) = optuna_trials(study)
    assert told.state == TrialState.COMPLETE
    assert told.value == pytest.approx(0.8)


def test_a_failure_written_by_a_process_that_then_died_is_told(
    process: Process, other: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    trial = process.begin(cells)
    process.runs.fail(trial.run_id, "crashed", "it fell over", None, final=False)
    other.trials.reconcile()
    (told,) = optuna_trials(study)
    assert told.state == TrialState.FAIL
    assert told.user_attrs["reason"] == "it fell over"


def test_a_trial_made_by_a_process_that_then_died_is_ended(
    process: Process, sleeper: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    (claimed,) = sleeper.trials.claim(cells, 1)
    sleeper.mirror.create(claimed.claim)
    process.trials.reconcile()
    (trial,) = optuna_trials(study)
    assert (trial.state, trial.user_attrs["cause"]) == (TrialState.FAIL, "lost_lease")


def test_what_is_claimed_and_not_started_is_released_too(
    process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    process.begin(cells)
    process.trials.claim(cells, 2)
    assert process.trials.release_all("interrupted", "stopped") == 3
    assert [row.state for row in rows(url)] == ["released"] * 3
    assert [trial.state for trial in optuna_trials(study)] == [TrialState.FAIL]


def test_a_pruner_drops_trials_and_their_last_value_stays(
    process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    study.pruner = optuna.pruners.ThresholdPruner(lower=0.4)
    trial = process.begin(cells)
    assert process.trials.report(trial, report(trial, 0, 0.5))
    assert not process.trials.report(trial, report(trial, 1, 0.3))
    assert process.trials.prune(trial, 1.0, PLACE)
    (pruned,) = optuna_trials(study)
    assert pruned.state == TrialState.PRUNED
    assert pruned.value == pytest.approx(0.3)
    (row,) = rows(url)
    assert row.state == "pruned"
    assert row.value == pytest.approx(0.3)


def test_a_long_reason_is_cut_for_optuna_and_whole_in_the_table(
    process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    trial = process.begin(cells)
    process.trials.fail(trial, "exception", "x" * 10_000 + " the end")
    (failed,) = optuna_trials(study)
    assert len(failed.user_attrs["reason"]) == 2000
    assert failed.user_attrs["reason"].endswith(" the end")
    (row,) = rows(url)
    assert row.reason is not None
    assert len(row.reason) == 10_008
