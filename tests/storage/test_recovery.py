"""Runs whose process is late, dead or never told Optuna."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from storage import queries
from storage.errors import ClaimLost
from storage.runs import Holder, Runs
from tests.storage.conftest import (
    EPOCHS,
    HOLDER,
    MADE_OF,
    STUDY,
    cells,
    result,
    start,
)


def test_a_late_result_is_refused_and_nothing_written(
    runs: Runs, other: Runs, engine: Engine
) -> None:
    run_id = start(runs)
    [lost] = other.reap(lambda _: False)
    assert (lost.run_id, lost.trial_id, lost.holder) == (run_id, 100, HOLDER)
    assert not runs.complete(run_id, result(epochs=EPOCHS))
    assert not runs.record_epochs(run_id, EPOCHS)
    with pytest.raises(ClaimLost):
        runs.fail(run_id, "exception", "boom", None, final=False)
    assert runs.attach({run_id: (101, 1)}) == {run_id}
    assert queries.fold_rows(engine, STUDY.study_id) == []
    assert queries.epoch_rows(engine, STUDY.study_id) == []
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.cause) == ("released", "lost_lease")
    assert [claim.attempt for claim in other.claim(cells(1), 1, MADE_OF)] == [1]


def test_a_dead_holder_loses_its_runs_before_the_lease_ends(runs: Runs, other: Runs) -> None:
    run_id = start(runs)
    mine = start(other, trial_id=101)

    def is_alive(holder: Holder) -> bool:
        return holder != HOLDER

    assert [lost.run_id for lost in other.reap(is_alive)] == [run_id]
    assert other.reap(is_alive) == []
    assert other.record_histories({mine: []}) == set()


def test_what_optuna_was_not_told_is_found_until_it_is(runs: Runs) -> None:
    done, failed, unattached = start(runs), start(runs, 101), runs.claim(cells(3), 1, MADE_OF)[0]
    assert runs.untold() == []
    runs.complete(done, result())
    runs.fail(failed, "stalled", "no epoch for 60 s", None, final=False)
    runs.release(unattached.run_id, "interrupted")
    untold = {run.trial_id: run for run in runs.untold()}
    assert set(untold) == {100, 101}
    assert (untold[100].state, untold[100].value) == ("complete", 0.7)
    assert (untold[101].state, untold[101].reason) == ("retry", "no epoch for 60 s")
    runs.told([done])
    assert [run.run_id for run in runs.untold()] == [failed]


def test_orphans_are_trials_that_nobody_will_end(runs: Runs) -> None:
    attached = start(runs)
    coming = runs.claim(cells(3), 1, MADE_OF)[0].run_id
    gone = runs.claim(cells(3), 1, MADE_OF)[0].run_id
    runs.release(gone, "interrupted")
    running = {100: attached, 101: coming, 102: gone, 103: attached, 104: None, 105: 999}
    assert runs.orphans(running) == {102, 103, 104, 105}
    runs.complete(attached, result())
    assert 100 not in runs.orphans(running)
