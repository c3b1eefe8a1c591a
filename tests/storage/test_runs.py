from __future__ import annotations

import math
import time

import numpy as np
import pytest
from sqlalchemy import Engine, text

from storage import queries, studies
from storage.errors import ClaimLost, StudyMissing
from storage.runs import EpochRow, FoldRow, Holder, RunResult, Runs
from tests.storage.conftest import HOLDER, MADE_OF, OTHER, STUDY, cells

EPOCHS = [
    EpochRow(fold, epoch, {"score": 0.5, "train_kl": math.nan, "temperature": 2.0, "s_kl": 1.0})
    for fold in range(2)
    for epoch in range(3)
]


def result(value: float = 0.7, epochs: list[EpochRow] | None = None) -> RunResult:
    folds = [
        FoldRow(k, value, 0.8, 0.6, 2, 0.75, ["SEQ_1", "é\n"], np.array([3, 17], np.uint8))
        for k in range(2)
    ]
    return RunResult(value, folds, 12.5, "worker-1", "cuda:0", epochs or [])


def start(runs: Runs, trial_id: int = 100) -> int:
    """Claim the first free of three cells and attach a trial."""
    [claim] = runs.claim(cells(3), 1, MADE_OF)
    runs.attach(claim.run_id, trial_id, trial_id - 100)
    return claim.run_id


def expire(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE trial_run SET lease_expires = lease_expires - 3600"))


def test_claims_the_first_free_cells_in_order(runs: Runs, other: Runs) -> None:
    first = runs.claim(cells(5), 2, MADE_OF)
    second = other.claim(cells(5), 2, MADE_OF)
    third = runs.claim(cells(5), 2, MADE_OF)
    taken = [claim.cell.hash for claim in [*first, *second, *third]]
    assert taken == [cell.hash for cell in cells(5)]
    assert runs.claim(cells(5), 2, MADE_OF) == []


def test_a_claim_records_what_the_trial_is_made_from(runs: Runs, engine: Engine) -> None:
    start(runs)
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.attempt, row.trial_id, row.number) == ("running", 1, 100, 0)
    assert (row.cell, row.arm, row.repeat, row.params) == ("cell0000", "fixed", 0, {"alpha": 0.0})
    with engine.connect() as connection:
        stored = connection.execute(
            text("SELECT code_hash, data_hash, config_hash, holder, host, boot, pid FROM trial_run")
        ).one()
    assert tuple(stored) == ("m", "d", "c", "holder-1", "host", "boot", 1)


def test_claiming_in_an_unrecorded_study_names_those_there_are(engine: Engine) -> None:
    with pytest.raises(StudyMissing, match="found 'study'"):
        Runs(engine, 99, HOLDER).claim(cells(1), 1, MADE_OF)


def test_the_database_itself_refuses_a_second_held_row(runs: Runs, engine: Engine) -> None:
    start(runs)
    columns = "study_id, cell, arm, repeat, params, attempt, told, holder, host, boot, pid, \
        process_started, lease_expires, started, code_hash, data_hash, config_hash, environment"
    copy = text(f"INSERT INTO trial_run (state, {columns}) SELECT :state, {columns} FROM trial_run")
    for state in ("running", "complete", "pruned", "failed"):
        with pytest.raises(Exception, match=r"(?i)unique"), engine.begin() as connection:
            connection.execute(copy, {"state": state})
    with engine.begin() as connection:
        connection.execute(copy, {"state": "retry"})


def test_a_completed_run_leaves_folds_histories_and_predictions(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    assert runs.record_epochs(run_id, EPOCHS[:4])
    assert runs.record_epochs(run_id, EPOCHS[:4])
    assert runs.complete(run_id, result(epochs=EPOCHS))
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.value, row.device_seconds) == ("complete", 0.7, 12.5)
    assert (row.worker, row.device) == ("worker-1", "cuda:0")
    assert row.ended is not None
    assert abs(row.ended - time.time()) < 60
    folds = queries.fold_rows(engine, STUDY.study_id)
    assert [(f.trial_id, f.fold, f.score, f.best_epoch) for f in folds] == [
        (100, 0, 0.7, 2),
        (100, 1, 0.7, 2),
    ]
    epochs = queries.epoch_rows(engine, STUDY.study_id, ["score", "train_kl", "s_kl"])
    assert epochs == [(100, k, e, 0.5, None, 1.0) for k in range(2) for e in range(3)]
    oof = queries.oof_rows(engine, STUDY.study_id)
    assert [o.sequence_ids for o in oof] == [("SEQ_1", "é\n")] * 2
    assert np.frombuffer(oof[0].predicted, np.uint8).tolist() == [3, 17]
    with engine.connect() as connection:
        extra = connection.execute(text("SELECT extra FROM epoch_metric")).scalars().first()
    assert "temperature" in str(extra)


def test_a_result_delivered_twice_is_written_once(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    assert runs.complete(run_id, result(epochs=EPOCHS))
    assert runs.complete(run_id, result(epochs=EPOCHS))
    assert len(queries.fold_rows(engine, STUDY.study_id)) == 2


def test_a_late_result_is_refused_and_nothing_written(
    runs: Runs, other: Runs, engine: Engine
) -> None:
    run_id = start(runs)
    expire(engine)
    [lost] = other.reap(lambda _: None)
    assert (lost.run_id, lost.trial_id, lost.holder) == (run_id, 100, HOLDER)
    assert not runs.complete(run_id, result(epochs=EPOCHS))
    assert not runs.record_epochs(run_id, EPOCHS)
    with pytest.raises(ClaimLost):
        runs.fail(run_id, "exception", "boom", None, final=False)
    with pytest.raises(ClaimLost):
        runs.attach(run_id, 101, 1)
    assert queries.fold_rows(engine, STUDY.study_id) == []
    assert queries.epoch_rows(engine, STUDY.study_id) == []
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.cause) == ("released", "lost_lease")
    assert [claim.attempt for claim in other.claim(cells(1), 1, MADE_OF)] == [1]


def test_a_result_without_a_trial_is_a_programming_error(runs: Runs, engine: Engine) -> None:
    [claim] = runs.claim(cells(1), 1, MADE_OF)
    with pytest.raises(ValueError, match="attach"):
        runs.complete(claim.run_id, result())
    assert queries.state_counts(engine, STUDY.study_id) == {"running": 1}


def test_a_failed_cell_is_tried_twice_more_and_then_failed_for_good(runs: Runs) -> None:
    outcomes = []
    for attempt in (1, 2, 3):
        [claim] = runs.claim(cells(1), 1, MADE_OF)
        assert claim.attempt == attempt
        outcomes.append(runs.fail(claim.run_id, "crashed", "exit 1", "tail", final=False))
    assert outcomes == ["retry", "retry", "failed"]
    assert runs.claim(cells(1), 1, MADE_OF) == []


def test_a_released_run_counts_as_no_attempt(runs: Runs) -> None:
    for _ in range(4):
        [claim] = runs.claim(cells(1), 1, MADE_OF)
        assert claim.attempt == 1
        assert runs.release(claim.run_id, "interrupted")
        assert runs.release(claim.run_id, "interrupted")


def test_a_final_failure_is_not_tried_again(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    bad = "nan\0 in \ud800fold 1"
    assert runs.fail(run_id, "non_finite_loss", bad, bad, final=True) == "failed"
    assert runs.fail(run_id, "non_finite_loss", bad, bad, final=True) == "failed"
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.cause, row.reason) == (
        "failed",
        "non_finite_loss",
        "nan\N{REPLACEMENT CHARACTER} in ?fold 1",
    )
    assert queries.log_tail(engine, run_id) == row.reason
    assert runs.finished(cells(1)) == {"failed": 1}
    assert queries.cause_counts(engine, STUDY.study_id) == {("failed", "non_finite_loss"): 1}


def test_a_pruned_run_keeps_its_value_and_histories(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    pruned = RunResult(0.4, (), 3.0, "worker-1", "cpu", EPOCHS)
    assert runs.complete(run_id, pruned, state="pruned")
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.value) == ("pruned", 0.4)
    assert len(queries.epoch_rows(engine, STUDY.study_id)) == len(EPOCHS)


def test_a_lease_is_kept_by_renewal_and_by_progress(engine: Engine) -> None:
    runs = Runs(engine, STUDY.study_id, HOLDER, lease_seconds=1.0)
    reaper = Runs(engine, STUDY.study_id, OTHER)
    run_id = start(runs)
    expire(engine)
    assert runs.renew([run_id, 999]) == {999}
    assert reaper.reap(lambda _: True) == []
    expire(engine)
    assert runs.record_epochs(run_id, EPOCHS[:1])
    assert reaper.reap(lambda _: None) == []
    time.sleep(1.1)
    assert [lost.run_id for lost in reaper.reap(lambda _: True)] == [run_id]
    assert runs.renew([run_id]) == {run_id}


def test_histories_of_a_stack_are_written_together(runs: Runs, engine: Engine) -> None:
    stack = [start(runs), start(runs, 101)]
    assert runs.assign([*stack, 999], "worker-1", "cuda:0") == {999}
    assert runs.record_histories(dict.fromkeys([*stack, 999], EPOCHS[:2])) == {999}
    rows = queries.epoch_rows(engine, STUDY.study_id, ["score"])
    assert rows == [(trial, 0, epoch, 0.5) for trial in (100, 101) for epoch in (0, 1)]
    assert queries.epoch_rows(engine, STUDY.study_id, ["score"], trial_ids=[101]) == rows[2:]
    found = queries.trial_rows(engine, STUDY.study_id)
    assert {(row.worker, row.device) for row in found} == {("worker-1", "cuda:0")}


def test_a_dead_holder_loses_its_runs_before_the_lease_ends(runs: Runs, other: Runs) -> None:
    run_id = start(runs)
    mine = start(other, trial_id=101)

    def is_alive(holder: Holder) -> bool:
        return holder != HOLDER

    assert [lost.run_id for lost in other.reap(is_alive)] == [run_id]
    assert other.reap(is_alive) == []
    assert other.renew([mine]) == set()


def test_a_run_renewed_while_its_holder_was_judged_is_kept(
    runs: Runs, other: Runs, engine: Engine
) -> None:
    run_id = start(runs)
    expire(engine)

    def renew_meanwhile(_: Holder) -> None:
        runs.renew([run_id])

    assert other.reap(renew_meanwhile) == []


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


def test_only_the_cells_asked_about_are_counted(runs: Runs) -> None:
    runs.complete(start(runs), result())
    start(runs, 101)
    assert runs.finished(cells(1)) == {"complete": 1}
    assert runs.finished(cells(3)) == {"complete": 1, "running": 1}


def test_first_and_last_epochs(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    runs.record_epochs(run_id, EPOCHS[:4])
    ends = queries.first_last_weights(engine, STUDY.study_id)
    assert [(e.trial_id, e.fold, e.epoch) for e in ends] == [(100, 0, 0), (100, 0, 2), (100, 1, 0)]
    assert ends[0].values["s_kl"] == 1.0
    assert ends[0].values["weight_kl"] is None


def test_predictions_must_be_one_byte_a_sequence() -> None:
    with pytest.raises(ValueError, match="one uint8 prediction"):
        FoldRow(0, 0.5, 0.5, 0.5, 0, 0.5, ["a"], np.array([1], np.int64))


def test_forgetting_a_study_removes_all_of_it(runs: Runs, engine: Engine) -> None:
    runs.complete(start(runs), result(epochs=EPOCHS))
    studies.forget(engine, STUDY.study_id)
    with engine.connect() as connection:
        for table in ("trial_run", "fold_score", "epoch_metric", "oof_prediction"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
