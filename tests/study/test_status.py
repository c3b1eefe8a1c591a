"""`python -m study.status` on recorded studies."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from study.plan import Cell
from study.status import main
from tests.study.recorded import BASELINE, database, recording

DIRECT = Cell("direct", {"lr_multiplier": 0.1})
UNCERTAINTY = Cell("uncertainty", {"s_init": "zero", "lr_multiplier": 0.1})


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One trial finished, one with a worker, one just claimed, one to run again."""
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
        recorder.fail(UNCERTAINTY, "crashed", "signal 9", final=False)
        recorder.fail(UNCERTAINTY, "crashed", "signal 11", final=False)
        recorder.fail(DIRECT, "exception", "ValueError: no", final=False)
        recorder.claim(DIRECT, "worker-3", "cuda:0")
        recorder.claim(Cell("equal"))
    return url


def test_json_names_what_runs_what_waits_and_what_failed(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["finished"] == 1
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
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE trial_run SET lease_expires = 0 WHERE arm = 'equal'")
    connection.close()
    assert main(["--storage", url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [trial["silent"] for trial in found["running"]] == [False, True]
    assert main(["--storage", url]) == 0
    assert capsys.readouterr().out.count("not heard from any more") == 1


def test_released_cell_waits_without_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        assert recorder.runs.release(recorder.claim(DIRECT).run_id, "interrupted")
    assert main(["--storage", url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(c["arm"], c["failed_attempts"], c["last_cause"]) for c in found["queue"]] == [
        ("direct", 0, "interrupted")
    ]
    assert found["failures"] == []


def test_unknown_study_is_a_mistake(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "other"]) == 2
    assert capsys.readouterr().err == "expected study 'other' in the storage, found 'study'\n"
