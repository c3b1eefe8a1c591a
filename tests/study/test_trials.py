"""Trials in both tables: late results and what dead processes leave."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from storage.rows import CellRef, RunResult
from study.trials import LOST
from tests.study.commands import rows
from tests.study.processes import PLACE, Process, optuna_trials, report, result


def test_a_late_result_is_refused(
    judge: Process, process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    late = process.begin(cells)
    judge.trials.reconcile()
    taken_over = judge.begin(cells)
    assert taken_over.cell == late.cell
    assert not process.trials.complete(late, result(late), PLACE)
    assert judge.trials.complete(taken_over, result(taken_over), PLACE)
    lost, kept = optuna_trials(study)
    assert (lost.state, lost.user_attrs["cause"]) == (TrialState.FAIL, "lost_lease")
    assert kept.state == TrialState.COMPLETE
    assert kept.value == pytest.approx(0.8)
    assert [row.state for row in rows(url)] == ["released", "complete"]


def test_a_trial_whose_claim_is_lost_is_to_go_no_further(
    judge: Process, process: Process, cells: list[CellRef]
) -> None:
    late = process.begin(cells)
    assert process.trials.report(late, report(late, 0, 0.5))
    judge.trials.reconcile()
    process.trials.flush()
    assert late.lost
    assert not process.trials.report(late, report(late, 1, 0.5))
    assert process.trials.fail(late, "exception", "too late") is None


def test_a_claim_lost_before_its_start_is_not_started(
    judge: Process, process: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    claimed = process.trials.claim(cells, 1)
    judge.trials.reconcile()
    assert process.trials.start(claimed, PLACE) == []
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
    judge: Process, process: Process, cells: list[CellRef], study: optuna.Study
) -> None:
    (claimed,) = process.trials.claim(cells, 1)
    process.mirror.create(claimed.claim)
    judge.trials.reconcile()
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
