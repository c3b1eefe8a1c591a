"""Worker processes, started for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from model.config import LossConfig
from model.outcomes import TrialDropped, TrialResult, TrialSpec
from study.config import StudyConfig
from study.errors import WorkerError
from study.stop import StopSignal
from study.worker.handle import Gone, Worker
from study.worker.log import WorkerLog
from study.worker.messages import Answer, Epoch, Failed, Finished, Job, Ready, Refused
from study.worker.pool import Pool, Recipe, first_ready
from tests.study.commands import ROOT, is_gone, until
from tests.study.trainers import STEADY, score_of

DIRECT = LossConfig(auto_weighting="direct")
Kind = TypeVar("Kind", bound=Answer | Gone)


def job(*schemes: str) -> Job:
    return Job(
        [TrialSpec(f"t{i}", LossConfig(auto_weighting=scheme)) for i, scheme in enumerate(schemes)]
    )


def expect(worker: Worker, kind: type[Kind]) -> Kind:
    """The next answer, which must be of this kind and come soon."""
    assert worker.connection.poll(30), "no answer"
    answer = worker.receive()
    assert isinstance(answer, kind), answer
    return answer


@pytest.fixture
def worker(config: StudyConfig) -> Iterator[Worker]:
    """A worker that is ready, its trainer slow enough to be talked to between epochs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINER_PAUSE", "0.05")
        patch.setenv(
            "TRAINER_FAULTS",
            '{"direct": "raise", "uncertainty": "SIGKILL", "equal": "exit"}',
        )
        patch.setenv("OMP_NUM_THREADS", "4")
        made = Worker(STEADY)
    made.start(config, "cpu")
    expect(made, Ready)
    yield made
    made.end()


def test_a_job_goes_epoch_by_epoch_to_its_results(worker: Worker, config: StudyConfig) -> None:
    worker.train(job("none", "none"))
    for epoch in range(config.training.epochs):
        reports = expect(worker, Epoch).reports
        assert [(r.key, r.epoch) for r in reports] == [("t0", epoch), ("t1", epoch)]
    outcomes = expect(worker, Finished).outcomes
    assert [outcome.key for outcome in outcomes] == ["t0", "t1"]
    result = outcomes[0]
    assert isinstance(result, TrialResult)
    assert sum(fold.score for fold in result.folds) / 2 == pytest.approx(score_of(LossConfig()))


def test_a_warm_trial_starts_within_a_tenth_of_a_second(worker: Worker) -> None:
    def seconds_to_first_epoch() -> float:
        began = time.perf_counter()
        worker.train(job("none"))
        expect(worker, Epoch)
        taken = time.perf_counter() - began
        while isinstance(worker.receive(), Epoch):
            pass
        return taken

    assert min(seconds_to_first_epoch() for _ in range(3)) - 0.05 < 0.1


def test_a_dropped_trial_leaves_the_stack_at_the_end_of_an_epoch(worker: Worker) -> None:
    worker.train(job("none", "none"))
    expect(worker, Epoch)
    worker.drop(frozenset({"t0"}))
    expect(worker, Epoch)
    assert [report.key for report in expect(worker, Epoch).reports] == ["t1"]
    dropped, kept = expect(worker, Finished).outcomes
    assert isinstance(dropped, TrialDropped)
    assert dropped.key == "t0"
    assert dropped.epoch in {0, 1}  # as the order came before the first look for one, or after
    assert isinstance(kept, TrialResult)


def test_a_drop_that_comes_after_the_job_changes_nothing(worker: Worker) -> None:
    for _ in range(2):
        worker.train(job("none"))
        while not isinstance(answer := worker.receive(), Finished):
            assert isinstance(answer, Epoch)
        assert isinstance(answer.outcomes[0], TrialResult)
        worker.drop(frozenset({"t0"}))


def test_an_exception_is_told_with_its_traceback_and_ends_the_process(worker: Worker) -> None:
    worker.train(job("direct"))
    expect(worker, Epoch)
    failed = expect(worker, Failed)
    assert failed.reason.startswith("Traceback")
    assert failed.reason.rstrip().endswith("RuntimeError: a trainer went wrong")
    assert expect(worker, Gone).reason == "the worker ended with exit code 1"


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        ("uncertainty", "the worker was killed by SIGKILL"),
        ("equal", "the worker ended with exit code 3"),
    ],
)
def test_a_crash_is_noticed_and_named(worker: Worker, scheme: str, reason: str) -> None:
    worker.train(job(scheme))
    expect(worker, Epoch)
    assert expect(worker, Gone).reason == reason


def test_the_log_tail_is_of_the_present_job_alone(worker: Worker) -> None:
    worker.train(Job([TrialSpec("first", LossConfig())]))
    while not isinstance(worker.receive(), Finished):
        pass
    worker.train(Job([TrialSpec("second", LossConfig())]))
    expect(worker, Epoch)
    assert worker.log_tail() == "training second"


def test_a_long_log_is_cut_at_its_start() -> None:
    log = WorkerLog()
    os.write(log.fileno(), b"a" * 5000 + b"end")
    assert log.tail(limit=10) == "a" * 7 + "end"
    assert log.tail(since=4999, limit=10) == "aend"
    log.close()


def test_a_log_has_no_name_that_a_crash_could_leave_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    worker = Worker(STEADY)
    assert list(tmp_path.iterdir()) == []
    worker.end()


def test_a_worker_has_one_thread_and_ignores_ctrl_c(worker: Worker) -> None:
    assert psutil.Process(worker.pid).environ()["OMP_NUM_THREADS"] == "1"
    os.kill(worker.pid, signal.SIGINT)
    worker.train(job("none"))
    expect(worker, Epoch)


def test_a_worker_ends_with_its_connection_even_in_mid_job(worker: Worker) -> None:
    process = psutil.Process(worker.pid)
    worker.train(Job([TrialSpec(f"t{i}", LossConfig()) for i in range(3)]))
    expect(worker, Epoch)
    worker.close()
    until(lambda: is_gone(process))


def test_no_worker_outlives_a_coordinator_that_is_killed() -> None:
    coordinator = subprocess.Popen(
        [sys.executable, "-c", _COORDINATOR],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert coordinator.stdout is not None
    process = psutil.Process(int(coordinator.stdout.readline()))
    coordinator.kill()
    coordinator.communicate()
    until(lambda: is_gone(process))


_COORDINATOR = f"""
import time
from study.worker.handle import Worker
worker = Worker({STEADY!r})
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("without_data", "somewhere: 1 fault in the data\n  - expected rows, found none"),
        ("without_device", "device: 'cpu' is not there"),
        ("confused", "a worker could not start: ZeroDivisionError: by zero"),
        ("nothing_of_this_name", "a worker could not start: AttributeError"),
        ("dying", "the worker ended with exit code 3 while it started\nabout to die"),
    ],
)
def test_a_worker_that_cannot_start_says_why(
    config: StudyConfig, factory: str, message: str
) -> None:
    recipe = Recipe(f"tests.study.trainers:{factory}", config, "cpu")
    with (
        StopSignal() as stop,
        Pool(recipe) as pool,
        pytest.raises(WorkerError) as raised,
    ):
        first_ready(pool, stop)
    assert str(raised.value).startswith(message)


def test_another_worker_takes_the_place_of_one_killed_while_it_starts(
    config: StudyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_JOURNAL", str(tmp_path / "journal"))
    with (
        StopSignal() as stop,
        Pool(Recipe("tests.study.trainers:killed_once", config, "cpu")) as pool,
    ):
        assert first_ready(pool, stop) is not None
        assert len(pool) == 1


def test_a_refusal_is_a_refusal(config: StudyConfig) -> None:
    worker = Worker("tests.study.trainers:without_device")
    worker.start(config, "cuda:7")
    assert expect(worker, Refused).message == "device: 'cuda:7' is not there"
    worker.end()
