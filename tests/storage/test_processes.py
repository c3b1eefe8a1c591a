from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from multiprocessing.connection import Connection

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from sqlalchemy import Engine, insert, text

from storage import queries, studies
from storage.engine import open_engine, writing
from storage.errors import UnavailableError
from storage.optuna_schema import open_optuna
from storage.runs import CellRef, Holder, RunResult, Runs
from storage.schema import upgrade
from storage.tables import StudyRecord
from tests.storage.conftest import HOLDER, MADE_OF, STUDY, cells
from tests.storage.processes import at_once, start

CELLS = 60
NAME = "shared"


def work_off_cells(i: int, url: str) -> None:
    """What a coordinator does to storage, with a trainer that takes no time."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    upgrade(url)
    study = optuna.create_study(
        storage=open_optuna(url), study_name=NAME, direction="maximize", load_if_exists=True
    )
    engine = open_engine(url)
    identity = studies.StudyIdentity(study._study_id, NAME, {}, (), 0, "", "", "", {"i": i})
    studies.record(engine, identity)
    holder = Holder(f"holder-{i}", "host", "boot", os.getpid(), 0.0)
    runs = Runs(engine, study._study_id, holder)
    while claims := runs.claim(cells(CELLS), 3, MADE_OF):
        for claim in claims:
            run_trial(study, runs, claim.run_id, claim.cell)


def run_trial(study: optuna.Study, runs: Runs, run_id: int, cell: CellRef) -> None:
    trial_id = study._storage.create_new_trial(
        study._study_id,
        create_trial(
            state=TrialState.RUNNING,
            params={"alpha": cell.params["alpha"]},
            distributions={"alpha": FloatDistribution(0, 1)},
            user_attrs={"run": run_id},
        ),
    )
    number = study._storage.get_trial_number_from_id(trial_id)
    assert runs.attach({run_id: (trial_id, number)}) == set()
    assert runs.complete(run_id, RunResult(0.5, (), 1.0, "worker", "cpu"))
    study._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    runs.told([run_id])


def test_eight_processes_start_on_an_empty_database_and_share_its_cells(empty_url: str) -> None:
    at_once(8, work_off_cells, empty_url)
    engine = open_engine(empty_url)
    study_id = queries.study_by_name(engine, NAME).study_id
    rows = queries.trial_rows(engine, study_id)
    assert [row.state for row in rows] == ["complete"] * CELLS
    assert sorted(row.cell for row in rows) == [cell.hash for cell in cells(CELLS)]
    trials = open_optuna(empty_url).get_all_trials(study_id)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * CELLS
    assert sorted(trial.number for trial in trials) == list(range(CELLS))
    assert {t._trial_id: t.user_attrs["run"] for t in trials} == {
        row.trial_id: row.run_id for row in rows
    }


def write_and_hang(url: str, ready: Connection) -> None:
    with writing(open_engine(url)) as session:
        values = {"name": "half", "created": 0.0, "config": {}, "arms": [], "seed": 0}
        hashes = {"data_hash": "", "config_hash": "", "model_hash": "", "environment": {}}
        session.execute(insert(StudyRecord).values(study_id=1, **values, **hashes))
        ready.send("in the middle")
        time.sleep(60)


def test_kill_9_in_the_middle_of_a_write_leaves_the_database_usable(
    url: str, engine: Engine
) -> None:
    engine.dispose()
    here, there = multiprocessing.Pipe()
    process = start(write_and_hang, url, there)
    assert here.recv() == "in the middle"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert studies.names(engine) == ["study"]
    assert len(Runs(engine, STUDY.study_id, HOLDER).claim(cells(2), 2, MADE_OF)) == 2
    studies.forget(engine, STUDY.study_id)
    assert studies.names(engine) == []


def test_readers_do_not_wait_for_a_writer(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text("UPDATE study_record SET name = 'new'"))
        assert studies.names(engine) == ["study"]
    assert studies.names(engine) == ["new"]


def test_a_locked_database_is_said_to_be_locked(sqlite_url: str) -> None:
    lock = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    engine = open_engine(sqlite_url, busy_seconds=0.1)
    locked = pytest.raises(UnavailableError, match="another process has it locked")
    with locked as caught, writing(engine):
        pass
    assert caught.value.transient


def test_what_is_locked_for_a_moment_is_tried_again(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url, busy_seconds=0.05)
    lock = sqlite3.connect(
        sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    lock.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, lock.rollback)
    release.start()
    studies.record(engine, STUDY)
    release.join()
    assert studies.names(engine) == ["study"]
