"""`python -m study.status` on recorded studies."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from storage.leases import LEASE_SECONDS
from storage.runs import EpochRow, Runs
from study.config import StudyConfig
from study.holder import this_process
from study.plan import Cell, plan
from study.report.estimate import seconds_left
from study.status import main
from tests.study.recorded import BASELINE, database, recording

DIRECT = Cell("direct", {"lr_multiplier": 0.1})
CONFIG = StudyConfig.model_validate({"folds": 2, "training": {"epochs": 4}})
UNCERTAINTY = Cell("uncertainty", {"s_init": "zero", "lr_multiplier": 0.1})


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One trial finished, one with a worker, one just claimed, one to run again."""
    url = database(tmp_path)
    with recording(url, config=CONFIG) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
        recorder.fail(UNCERTAINTY, "crashed", "signal 9", final=False)
        recorder.fail(UNCERTAINTY, "crashed", "signal 11", final=False)
        recorder.fail(DIRECT, "exception", "ValueError: no", final=False)
        claim = recorder.claim(DIRECT, "worker-3", "cuda:0")
        epochs = [EpochRow(fold, 0, {"score": 0.5}) for fold in range(2)]
        assert recorder.runs.record_epochs(claim.run_id, epochs)
        recorder.claim(Cell("equal"))
    return url


def as_json(url: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What --format json says."""
    assert main(["--storage", url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_json_names_what_runs_what_waits_and_what_failed(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = as_json(url, capsys)
    assert (found["finished"], found["finished_by_state"]["complete"]) == (1, 1)
    direct, equal = found["running"]
    assert (direct["arm"], direct["attempt"], direct["host"]) == ("direct", 2, "host-1")
    assert (direct["worker"], direct["device"]) == ("worker-3", "cuda:0")
    assert datetime.fromisoformat(direct["since"]).tzinfo is not None
    assert (equal["arm"], equal["worker"]) == ("equal", None)
    (waiting,) = found["queue"]
    assert (waiting["arm"], waiting["failed_attempts"]) == ("uncertainty", 2)
    assert [(f["cause"], f["count"], f["final"], f["last_reason"]) for f in found["failures"]] == [
        ("crashed", 2, 0, "signal 11"),
        ("exception", 1, 0, "ValueError: no"),
    ]


def test_text_says_the_same(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url]) == 0
    said = capsys.readouterr().out
    assert said.startswith("study 'study': 1 finished, 2 running, 1 waiting to run again\n")
    assert "direct lr_multiplier=0.1\n  on host-1 (worker-3, cuda:0) for 0:00:" in said
    assert "equal\n  on host-1 (no worker yet) for 0:00:" in said
    assert "waiting: uncertainty s_init=zero lr_multiplier=0.1\n  failed attempts 2" in said
    assert "failed, crashed: 2 (0 for good); last: signal 11" in said


def test_a_trial_whose_process_is_gone_is_told_apart(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = this_process()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(
            "UPDATE trial_run SET host = ?, boot = ?, pid = ?, process_started = -1 "
            "WHERE arm = 'equal'",
            (here.host, here.boot, here.pid),
        )
    assert [trial["silent"] for trial in as_json(url, capsys)["running"]] == [False, True]
    assert main(["--storage", url]) == 0
    assert capsys.readouterr().out.count("not heard from any more") == 1


def test_running_trials_say_how_far_they_are_and_when_they_were_heard(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    direct, equal = as_json(url, capsys)["running"]
    assert (direct["epoch"], direct["epochs"], equal["epoch"]) == (1, 4, 0)
    assert direct["cell"] == DIRECT.hash
    assert 0 <= direct["quiet_seconds"] < 30
    heard = datetime.fromisoformat(direct["heard"])
    assert abs((heard - datetime.fromisoformat(direct["since"])).total_seconds()) < 30
    assert main(["--storage", url]) == 0
    assert "\n  epoch 1 of 4, heard 0:00:0" in capsys.readouterr().out


def test_the_lease_from_which_a_sign_of_life_is_told_is_that_of_coordinators() -> None:
    assert signature(Runs).parameters["lease_seconds"].default == LEASE_SECONDS


def test_the_plan_tells_how_many_cells_nobody_has_begun(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = as_json(url, capsys)
    cells = len(plan(CONFIG))
    assert found["plan"] == {"cells": cells, "not_begun": cells - 4}
    assert main(["--storage", url]) == 0
    assert f"\nplan: {cells} cells, {cells - 4} not begun\n" in capsys.readouterr().out


def test_a_plan_of_another_version_is_not_known(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("""UPDATE study_record SET config = '{"arms": ["gone"]}'""")
    found = as_json(url, capsys)
    assert (found["plan"], found["time_left_plan"]) == (None, None)
    assert {trial["epochs"] for trial in found["running"]} == {None}
    assert main(["--storage", url]) == 0
    assert "\nplan: not known" in capsys.readouterr().out


def test_the_time_left_comes_from_finished_trials_and_busy_workers(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = as_json(url, capsys)
    begun = 0.75 + 1 + 1  # direct has done 1 of 4 epochs, equal none, uncertainty waits
    assert found["time_left"] == pytest.approx(begun * 2.0)
    not_begun = found["plan"]["not_begun"]
    assert found["time_left_plan"] == pytest.approx((begun + not_begun) * 2.0)
    assert found["device_seconds"] == pytest.approx(2.0 + 3 * 0.5)


@pytest.mark.parametrize(
    ("trials", "cost", "workers", "left"),
    [(6, 10.0, 2, 30.0), (0, None, 0, 0.0), (6, None, 2, None), (6, 10.0, 0, None)],
)
def test_no_rate_no_estimate(
    trials: float, cost: float | None, workers: int, left: float | None
) -> None:
    assert seconds_left(trials, cost, workers) == left


def test_released_cell_waits_without_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        assert recorder.runs.release(recorder.claim(DIRECT).run_id, "interrupted")
    found = as_json(url, capsys)
    assert [(c["arm"], c["failed_attempts"], c["last_cause"]) for c in found["queue"]] == [
        ("direct", 0, "interrupted")
    ]
    assert found["failures"] == []
    assert found["released"] == {"interrupted": 1}
    assert main(["--storage", url]) == 0
    assert "given back, which is no failure: interrupted 1\n" in capsys.readouterr().out


def test_a_reason_does_not_reach_the_terminal_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.fail(DIRECT, "exception", "no\x1b[2J\rall is well", final=True)
    assert main(["--storage", url]) == 0
    assert r"last: no\x1b[2J all is well" in capsys.readouterr().out


def test_unknown_study_is_a_mistake(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "other"]) == 2
    assert capsys.readouterr().err == "expected study 'other' in the storage, found 'study'\n"
