"""What Optuna's table shows of trials while they run and when they end."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from storage import queries
from storage.rows import CellRef
from study.opening import Database
from tests.study.commands import rows
from tests.study.processes import PLACE, Process, optuna_trials, report, result


def histories(database: Database) -> dict[int, list[int]]:
    """Epochs in our table, the same of both folds, by trial."""
    study_id = queries.study_by_name(database.engine, "study").study_id
    found: dict[int, list[int]] = {}
    for trial_id, fold, epoch, _ in queries.epoch_rows(database.engine, study_id, ("score",)):
        if fold == 0:
            found.setdefault(trial_id, []).append(epoch)
        else:
            assert epoch in found[trial_id]
    return found


def test_epochs_are_shown_and_written_at_the_next_flush(
    process: Process, cells: list[CellRef], study: optuna.Study, database: Database
) -> None:
    trials = [process.begin(cells), process.begin(cells)]
    for epoch in range(3):
        for trial in trials:
            assert process.trials.report(trial, report(trial, epoch, epoch / 4))
        if epoch == 1:
            process.trials.flush()
    assert histories(database) == {1: [0, 1], 2: [0, 1]}
    assert [t.intermediate_values for t in optuna_trials(study)] == [{0: 0.0, 1: 0.25}] * 2
    process.trials.flush()
    process.trials.flush()
    assert histories(database) == {1: [0, 1, 2], 2: [0, 1, 2]}
    assert [t.intermediate_values for t in optuna_trials(study)] == [{0: 0.0, 1: 0.25, 2: 0.5}] * 2


def test_what_no_flush_has_written_goes_with_the_result(
    process: Process, cells: list[CellRef], study: optuna.Study, database: Database
) -> None:
    complete, failed, released = (process.begin(cells) for _ in range(3))
    for trial in (complete, failed, released):
        process.trials.report(trial, report(trial, 0, 0.25))
    process.trials.complete(complete, result(complete), PLACE)
    process.trials.fail(failed, "exception", "it fell over")
    process.trials.release_all("interrupted", "stopped")
    assert histories(database) == {1: [0], 2: [0], 3: [0]}
    assert [t.intermediate_values for t in optuna_trials(study)] == [{0: 0.25}] * 3
    assert process.runs.untold() == []


def test_a_trial_that_somebody_ended_in_optuna_goes_no_further(
    process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    trial, other = process.begin(cells), process.begin(cells)
    for held in (trial, other):
        process.trials.report(held, report(held, 0, 0.5))
    study.tell(trial.number, state=TrialState.FAIL)
    process.trials.flush()
    assert not process.trials.report(trial, report(trial, 1, 0.6))
    assert process.trials.report(other, report(other, 1, 0.6))
    assert process.trials.prune(trial, 1.0, PLACE)
    process.trials.flush()
    ended, live = optuna_trials(study)
    assert (ended.state, ended.intermediate_values) == (TrialState.FAIL, {})
    assert (live.state, live.intermediate_values) == (TrialState.RUNNING, {0: 0.5, 1: 0.6})
    assert [row.state for row in rows(url)] == ["pruned", "running"]


def test_the_last_value_of_a_pruned_trial_stays(
    process: Process, cells: list[CellRef], study: optuna.Study, url: str
) -> None:
    trial = process.begin(cells)
    assert process.trials.report(trial, report(trial, 0, 0.5))
    assert process.trials.report(trial, report(trial, 1, 0.3))
    assert process.trials.prune(trial, 1.0, PLACE)
    (pruned,) = optuna_trials(study)
    assert pruned.state == TrialState.PRUNED
    assert pruned.value == pytest.approx(0.3)
    assert pruned.intermediate_values == pytest.approx({0: 0.5, 1: 0.3})
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
