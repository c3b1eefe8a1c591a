"""Jobs that real worker processes are given."""

from __future__ import annotations

import os
import signal
import time

import pytest

from model.config import LossConfig
from model.outcomes import TrialDropped, TrialResult, TrialSpec
from study.config import StudyConfig
from study.worker.forks import starter_of
from study.worker.handle import Gone, Worker
from study.worker.log import WorkerLog
from study.worker.messages import Epoch, Failed, Finished, Job, NoRoom, Ready, Start
from tests.study.answers import expect, job
from tests.study.trainers import STEADY, score_of


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
    ("scheme", "reason", "killed_by"),
    [
        ("uncertainty", "the worker was killed by SIGKILL", signal.SIGKILL),
        ("equal", "the worker ended with exit code 3", 0),
    ],
)
def test_a_crash_is_noticed_and_named(
    worker: Worker, scheme: str, reason: str, killed_by: int
) -> None:
    worker.train(job(scheme))
    expect(worker, Epoch)
    gone = expect(worker, Gone)
    assert gone.reason.startswith(reason)
    assert gone.signal == killed_by


def test_the_log_tail_is_of_the_present_job_alone(worker: Worker) -> None:
    worker.train(Job([TrialSpec("first", LossConfig())]))
    while not isinstance(worker.receive(), Finished):
        pass
    worker.train(Job([TrialSpec("second", LossConfig())]))
    expect(worker, Epoch)
    assert worker.log_tail() == "training second"


def test_a_long_log_is_cut_at_its_start() -> None:
    log = WorkerLog()
    os.write(log.fileno(), b"a" * 5000 + b"\nthe end\nof it")
    assert log.tail(limit=18) == "the end\nof it"
    assert log.tail(limit=12) == "of it"
    assert log.tail(limit=4) == "it"
    assert log.tail(limit=2) == ""
    assert log.tail(since=4999, limit=20) == "a\nthe end\nof it"
    log.close()


def test_a_job_that_does_not_fit_leaves_a_worker_that_takes_another(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_ROOM", "1")
    starter = starter_of(STEADY)
    worker = Worker(starter)
    worker.start(Start(config, "cpu"))
    expect(worker, Ready)
    worker.train(job("none", "none"))
    expect(worker, Epoch)
    assert expect(worker, NoRoom) == NoRoom("device_memory", "2 trials do not fit")
    worker.train(job("none"))
    assert len(expect(worker, Epoch).reports) == 1
    worker.end()
    starter.end()
