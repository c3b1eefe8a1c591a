"""Whatever writes is run again when the answer of its commit is lost, and leaves the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState, create_trial
from sqlalchemy import Engine

from storage import queries, studies
from storage.errors import ClaimLost, UnavailableError
from storage.optuna_schema import Shown, add_trial, open_optuna, optuna_translated, show_trials
from storage.runs import Runs
from storage.truth import record_truth, truth
from tests.storage.conftest import EPOCHS, HOLDER, MADE_OF, STUDY, cells, result, start
from tests.storage.every_state import TRUTH
from tests.storage.lost_answers import LostAnswers


@pytest.fixture
def lost(engine: Engine) -> LostAnswers:
    return LostAnswers(engine)


def test_a_claim_is_made_once(runs: Runs, other: Runs, lost: LostAnswers) -> None:
    other.claim(cells(9), 1, MADE_OF)
    with lost.next(2):
        claims = runs.claim(cells(9), 3, MADE_OF)
    assert [(c.cell, c.attempt) for c in claims] == [(cell, 1) for cell in cells(9)[1:4]]
    assert [c.cell for c in other.claim(cells(9), 9, MADE_OF)] == cells(9)[4:]
    assert runs.claim(cells(9), 1, MADE_OF) == []


def test_a_claim_given_up_for_the_database_was_away_is_not_forgotten(
    runs: Runs, lost: LostAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine.RETRY_SECONDS", 0)
    with lost.next(), pytest.raises(UnavailableError) as caught:
        runs.claim(cells(9), 3, MADE_OF)
    assert caught.value.transient
    asked = [runs.claim(cells(9), limit, MADE_OF) for limit in (2, 2, 2)]
    assert [[c.cell.hash for c in claims] for claims in asked] == [
        ["cell0000", "cell0001"],
        ["cell0002"],
        ["cell0003", "cell0004"],
    ]


Act = Callable[[Runs, int], object]


@pytest.mark.parametrize(
    ("act", "expected", "state"),
    [
        (lambda runs, run: runs.attach({run: (100, 0)}, "worker-2", "cpu"), set(), "running"),
        (lambda runs, run: runs.record_histories({run: EPOCHS}), set(), "running"),
        (lambda runs, run: runs.complete(run, result(epochs=EPOCHS)), True, "complete"),
        (lambda runs, run: runs.complete(run, result(), "pruned"), True, "pruned"),
        (lambda runs, run: runs.fail(run, "crashed", "exit 1", "tail", False), "retry", "retry"),
        (lambda runs, run: runs.fail(run, "crashed", "exit 1", "tail", True), "failed", "failed"),
        (lambda runs, run: runs.release(run, "interrupted", "stopped", "tail"), True, "released"),
    ],
)
def test_an_outcome_is_written_once(
    act: Act, expected: object, state: str, runs: Runs, lost: LostAnswers, engine: Engine
) -> None:
    run_id = start(runs)
    with lost.next():
        assert act(runs, run_id) == expected
    once = everything(engine)
    assert act(runs, run_id) == expected
    assert [row.state for row in queries.trial_rows(engine, STUDY.study_id)] == [state]
    assert everything(engine) == once


def everything(engine: Engine) -> object:
    rows = [replace(row, started=0) for row in queries.trial_rows(engine, STUDY.study_id)]
    of_folds = queries.fold_rows, queries.epoch_rows, queries.oof_rows
    return rows, [read(engine, STUDY.study_id) for read in of_folds]


def test_a_run_reaped_is_reaped_once_and_found_by_what_optuna_was_not_told(
    runs: Runs, other: Runs, lost: LostAnswers
) -> None:
    run_id = start(runs)
    with lost.next():
        other.reap(lambda holder: holder != HOLDER)
    assert [(run.run_id, run.state) for run in other.untold()] == [(run_id, "released")]
    with lost.next():
        other.told([run_id])
    assert other.untold() == []
    with pytest.raises(ClaimLost):
        runs.fail(run_id, "crashed", "exit 1", None, final=False)


def test_a_study_is_recorded_replaced_and_forgotten_once(engine: Engine, lost: LostAnswers) -> None:
    second = replace(STUDY, study_id=8, name="second")
    with lost.next():
        assert studies.record(engine, second) == second
    with lost.next():
        studies.replace(engine, replace(second, seed=1))
    assert studies.get(engine, 8) == replace(second, seed=1)
    with lost.next():
        studies.forget(engine, 8)
    assert studies.names(engine) == ["study"]


def test_a_rule_and_true_labels_are_written_once(engine: Engine, lost: LostAnswers) -> None:
    with lost.next():
        assert studies.fix_stopping(engine, STUDY.study_id, {"looks": [5]}) == {"looks": [5]}
    with lost.next():
        record_truth(engine, STUDY.study_id, "d", TRUTH)
    assert truth(engine, STUDY.study_id, "d") == TRUTH


def test_what_optuna_is_told_is_told_once(own_url: str) -> None:
    storage = open_optuna(own_url)
    study = optuna.create_study(storage=storage, study_name="s")
    lost = LostAnswers(storage.engine)
    template = create_trial(state=TrialState.RUNNING, user_attrs={"run": 1})
    with lost.next():
        trial_id, number = add_trial(storage, study._study_id, template)
    assert number == 1, "the first is an orphan"
    with lost.next():
        assert show_trials(storage, {trial_id: Shown({0: 0.5}, {"cause": "crashed"})}) == set()
    with lost.next(), pytest.raises(UnavailableError) as caught, optuna_translated(storage.engine):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    assert caught.value.transient
    with pytest.raises(UpdateFinishedTrialError), optuna_translated(storage.engine):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    trial = storage.get_trial(trial_id)
    assert (trial.value, trial.intermediate_values) == (0.5, {0: 0.5})
    assert trial.user_attrs == {"run": 1, "cause": "crashed"}
    storage.engine.dispose()
