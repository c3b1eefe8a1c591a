"""Cells are handed out in the order of the plan, and none is looked for that is finished."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import optuna
import pytest
from sqlalchemy import Engine, event

from model.outcomes import EpochReport, FoldResult, TrialResult
from storage.rows import CellRef, Fingerprints
from storage.runs import Runs
from study.config import StudyConfig
from study.fingerprint import Fingerprint
from study.holder import this_process
from study.mirror import Mirror
from study.opening import Database, open_study
from study.space import distributions
from study.supply import Supply
from study.trial import Place, Trial
from study.trials import Trials

PLACE = Place("host:1", "cpu")
CELLS = [
    CellRef(f"cell{i:04}", "fixed", 0, {"alpha": i / 200, "nine_class_weight": 0.2})
    for i in range(40)
]


@pytest.fixture
def study(database: Database, config: StudyConfig, made_of: Fingerprint) -> optuna.Study:
    return open_study(database, "study", config, made_of)


def trials_of(database: Database, study: optuna.Study) -> Trials:
    """What one process that runs the study writes to."""
    runs = Runs(database.engine, study._study_id, this_process())
    mirror = Mirror(study, database.optuna, distributions(("fixed",)))
    return Trials(runs, mirror, Fingerprints("code", "data", "config", {}))


@pytest.fixture
def mine(database: Database, study: optuna.Study) -> Trials:
    return trials_of(database, study)


@pytest.fixture
def others(database: Database, study: optuna.Study) -> Trials:
    """The same study as another process sees it."""
    return trials_of(database, study)


def run(trials: Trials, job: list[Trial]) -> None:
    for trial in trials.start(job, PLACE):
        for epoch in range(2):
            trials.report(trial, EpochReport(trial.key, epoch, {"score": np.full(2, 0.5)}))
        fold = FoldResult(0.7, 0.8, 0.6, 1, 0.75, ("a",), np.zeros(1, np.uint8))
        assert trials.complete(trial, TrialResult(trial.key, (fold, fold), 1.0), PLACE)


def hashes(job: list[Trial]) -> list[str]:
    return [trial.cell.hash for trial in job]


def test_every_cell_is_handed_out_once_and_then_there_is_none(mine: Trials) -> None:
    supply = Supply(mine, CELLS[:5])
    seen = []
    while supply.left():
        job = supply.next_job(2)
        seen += hashes(job)
        run(mine, job)
        for trial in job:
            supply.finished(trial.cell, "complete")
    assert seen == [cell.hash for cell in CELLS[:5]]
    assert (supply.left(), supply.counts()) == (0, {"complete": 5})
    assert supply.next_job(2) == []


def test_what_was_finished_before_or_elsewhere_is_found_out(mine: Trials, others: Trials) -> None:
    theirs = Supply(others, CELLS[:6])
    run(others, theirs.next_job(2))
    supply = Supply(mine, CELLS[1:5])
    assert supply.counts() == {"complete": 1}
    assert hashes(supply.next_job(1)) == ["cell0002"]
    run(others, theirs.next_job(1))
    failed = others.start(theirs.next_job(1), PLACE)[0]
    others.fail(failed, "non_finite_loss", "nan")
    assert supply.counts() == {"complete": 1}
    supply.look_up()
    assert supply.counts() == {"complete": 2, "failed": 1}
    assert supply.left() == 1


def test_while_others_hold_the_last_cells_their_end_is_noticed(
    mine: Trials, others: Trials
) -> None:
    held = Supply(others, CELLS[:1]).next_job(1)
    supply = Supply(mine, CELLS[:1])
    assert supply.next_job(1) == []
    assert supply.left() == 1
    run(others, held)
    supply.look_again()
    assert supply.next_job(1) == []
    assert supply.left() == 0


def test_a_cell_that_is_free_again_comes_before_later_ones(mine: Trials) -> None:
    supply = Supply(mine, CELLS[:3])
    (first,) = mine.start(supply.next_job(1), PLACE)
    assert mine.fail(first, "exception", "it fell over") == "retry"
    assert hashes(supply.next_job(2)) == ["cell0001"]
    assert hashes(supply.next_job(2)) == ["cell0000"]
    assert hashes(supply.next_job(2)) == ["cell0002"]


def test_a_stage_begins_when_the_one_before_is_finished(mine: Trials, others: Trials) -> None:
    asked: list[int] = []

    def later() -> list[CellRef]:
        asked.append(1)
        return CELLS[: min(2 + len(asked), 4)]

    run(others, Supply(others, CELLS[2:3]).next_job(1))
    supply = Supply(mine, CELLS[:2], later)
    assert not supply.go_on()
    assert asked == []
    for cell in CELLS[:2]:
        run(mine, supply.next_job(1))
        supply.finished(cell, "complete")
    assert supply.go_on()
    assert (supply.total(), supply.left(), supply.of_stage()) == (3, 0, 0)  # others were first
    assert supply.go_on()
    assert (supply.total(), supply.left(), supply.of_stage()) == (4, 1, 1)
    job = supply.next_job(2)
    assert hashes(job) == ["cell0003"]
    run(mine, job)
    supply.finished(CELLS[3], "complete")
    assert not supply.is_last_stage
    assert not supply.go_on()
    assert supply.is_last_stage
    assert supply.counts() == {"complete": 4}


def test_a_trial_takes_the_database_no_longer_the_more_there_are(
    mine: Trials, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.claims.LOOK_AT", 4)
    supply = Supply(mine, CELLS)
    taken = []
    for _ in range(35):
        with instructions(database.engine) as counted:
            job = supply.next_job(1)
            run(mine, job)
            supply.finished(job[0].cell, "complete")
            mine.flush()
            assert supply.left()
        taken.append(len(counted))
    early, late = (sum(part) for part in (taken[5:10], taken[30:]))
    assert late < 1.1 * early


@contextmanager
def instructions(engine: Engine) -> Iterator[list[None]]:
    """Counts what SQLite does on the connections of an engine, ten instructions an entry."""
    counted: list[None] = []

    def count() -> None:
        counted.append(None)

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(count, 10)

    event.listen(engine, "checkout", watch)
    try:
        yield counted
    finally:
        event.remove(engine, "checkout", watch)
