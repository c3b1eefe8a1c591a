"""`python -m study.status` beside those who write, and on a large study."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study.plan import Cell, plan
from study.status import main
from tests.study.commands import ROOT
from tests.study.recorded import BASELINE, database, recording


def as_json(url: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What --format json says."""
    assert main(["--storage", url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_study_is_looked_at_while_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder, ThreadPoolExecutor(1) as pool:

        def write() -> None:
            for cell in plan(recorder.config)[:40]:
                recorder.complete(cell, [0.5, 0.6])

        written = pool.submit(write)
        seen = [0]
        while not written.done():
            seen.append(as_json(url, capsys)["finished"])
        written.result()
    assert seen == sorted(seen)
    assert as_json(url, capsys)["finished"] == 40


def test_a_writer_in_the_middle_of_a_transaction_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.claim(BASELINE)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE trial_run SET state = 'released' WHERE state = 'running'")
        assert len(as_json(url, capsys)["running"]) == 1
        writer.execute("ROLLBACK")


def test_a_thousand_trials_are_told_in_two_seconds(tmp_path: Path) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.complete(BASELINE, [0.7] * 5)
        recorder.claim(Cell("direct", {"lr_multiplier": 0.1}), "worker-3", "cuda:0")
    multiply(url, 1000)
    began = cpu_seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "study.status", "--storage", url, "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert cpu_seconds_of_children() - began < 2.0
    found = json.loads(done.stdout)
    assert (found["finished"], len(found["running"])) == (1000, 1)


def cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def multiply(url: str, count: int) -> None:
    """Have the study's finished trial so many times, each with a history of 30 epochs."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(trial_run)")]
        values = {"id": "id + n", "trial_id": "trial_id + 1000 + n", "cell": "'cell ' || n"}
        values |= {"number": "number + 1000 + n"}
        chosen = ", ".join(values.get(column, column) for column in columns)
        numbers = "WITH RECURSIVE c(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM c WHERE n < ?)"
        connection.execute(
            f"INSERT INTO trial_run {numbers} SELECT {chosen} FROM trial_run, c "
            "WHERE state = 'complete'",
            (count + 8,),
        )
        connection.execute(
            "INSERT INTO epoch_metric (trial_id, fold, epoch) "
            f"{numbers} SELECT trial_id, n / 30, n % 30 FROM trial_run, c "
            "WHERE trial_id > 1000",
            (159,),
        )
