"""Claims of cells, and what is written of a run."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sqlalchemy import Engine, text

from storage import queries, studies
from storage.claims import LOOK_AT
from storage.errors import StudyMissing
from storage.runs import FoldRow, RunResult, Runs
from tests.storage.conftest import EPOCHS, HOLDER, MADE_OF, STUDY, cells, result, start


def test_claims_the_first_free_cells_in_order(runs: Runs, other: Runs) -> None:
    first = runs.claim(cells(5), 2, MADE_OF)
    second = other.claim(cells(5), 2, MADE_OF)
    third = runs.claim(cells(5), 2, MADE_OF)
    taken = [claim.cell.hash for claim in [*first, *second, *third]]
    assert taken == [cell.hash for cell in cells(5)]
    assert runs.claim(cells(5), 2, MADE_OF) == []


def test_a_free_cell_behind_many_held_ones_is_found(runs: Runs, other: Runs) -> None:
    plan = cells(2 * LOOK_AT + 10)
    assert len(other.claim(plan, LOOK_AT + 5, MADE_OF)) == LOOK_AT + 5
    claimed = runs.claim(plan, LOOK_AT, MADE_OF)
    assert [c.cell for c in claimed] == plan[LOOK_AT + 5 : 2 * LOOK_AT + 5]
    assert [c.cell for c in runs.claim(plan, LOOK_AT, MADE_OF)] == plan[2 * LOOK_AT + 5 :]


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


def test_a_released_run_says_why_and_keeps_the_log(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    assert runs.release(run_id, "interrupted", "told to stop", "the last line")
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.cause, row.reason) == ("interrupted", "told to stop")
    assert queries.log_tail(engine, run_id) == "the last line"


def test_passwords_in_reasons_and_logs_are_masked(runs: Runs, engine: Engine) -> None:
    said = "no answer from postgresql://u:secret@h/db\nnor postgresql://v:secret@h/db?a=b\nat all"
    failed, released = start(runs), start(runs, 101)
    runs.fail(failed, "exception", said, said, final=False)
    runs.release(released, "interrupted", said, said)
    kept = [row.reason for row in queries.trial_rows(engine, STUDY.study_id)]
    kept += [queries.log_tail(engine, run_id) for run_id in (failed, released)]
    assert kept == [said.replace("secret", "***")] * 4


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
    assert runs.finished() == {"cell0000": "failed"}
    assert queries.cause_counts(engine, STUDY.study_id) == {("failed", "non_finite_loss"): 1}


def test_a_pruned_run_keeps_its_value_and_histories(runs: Runs, engine: Engine) -> None:
    run_id = start(runs)
    pruned = RunResult(0.4, (), 3.0, "worker-1", "cpu", EPOCHS)
    assert runs.complete(run_id, pruned, state="pruned")
    [row] = queries.trial_rows(engine, STUDY.study_id)
    assert (row.state, row.value) == ("pruned", 0.4)
    assert len(queries.epoch_rows(engine, STUDY.study_id)) == len(EPOCHS)


def test_a_stack_is_attached_and_its_histories_written_together(runs: Runs, engine: Engine) -> None:
    stack = [claim.run_id for claim in runs.claim(cells(3), 2, MADE_OF)]
    trials = {run_id: (100 + i, i) for i, run_id in enumerate([*stack, 999])}
    assert runs.attach(trials, "worker-1", "cuda:0") == {999}
    assert runs.record_histories(dict.fromkeys([*stack, 999], EPOCHS[:2])) == {999}
    rows = queries.epoch_rows(engine, STUDY.study_id, ["score"])
    assert rows == [(trial, 0, epoch, 0.5) for trial in (100, 101) for epoch in (0, 1)]
    assert queries.epoch_rows(engine, STUDY.study_id, ["score"], trial_ids=[101]) == rows[2:]
    found = queries.trial_rows(engine, STUDY.study_id)
    assert {(row.worker, row.device) for row in found} == {("worker-1", "cuda:0")}


def test_finished_cells_are_told_apart_from_others(runs: Runs) -> None:
    runs.complete(start(runs), result())
    runs.complete(start(runs, 101), RunResult(0.4, (), 1.0, "worker-1", "cpu"), "pruned")
    start(runs, 102)
    assert runs.finished() == {"cell0000": "complete", "cell0001": "pruned"}
    assert runs.count_finished() == 2


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
