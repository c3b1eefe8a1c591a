"""How real worker processes start and end, and what they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from model.config import LossConfig
from model.outcomes import TrialSpec
from study.config import StudyConfig
from study.errors import WorkerError
from study.stop import StopSignal
from study.worker.forks import ForkServer, starter_of
from study.worker.handle import Gone, Worker
from study.worker.messages import Epoch, Job, Ready, Refused, Start
from study.worker.pool import Pool, Recipe, first_ready
from study.worker.starter import Spawner
from tests.study.answers import expect, job
from tests.study.commands import ROOT, is_gone, until
from tests.study.trainers import STEADY


def test_a_log_has_no_name_that_a_crash_could_leave_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starter_type: type[ForkServer | Spawner]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    starter = starter_type(STEADY)
    worker = Worker(starter)
    assert list(tmp_path.iterdir()) == []
    worker.end()
    starter.end()


def test_a_worker_has_one_thread_and_ignores_ctrl_c(worker: Worker) -> None:
    assert worker.pid is not None
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


def test_no_worker_outlives_a_coordinator_that_is_killed(
    starter_type: type[ForkServer | Spawner],
) -> None:
    coordinator = subprocess.Popen(
        [sys.executable, "-c", _COORDINATOR.format(starter_type.__name__)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert coordinator.stdout is not None
    coordinator.stdout.readline()
    family = psutil.Process(coordinator.pid).children(recursive=True)
    assert len(family) == (2 if starter_type is ForkServer else 1)
    coordinator.kill()
    coordinator.communicate()
    until(lambda: all(is_gone(process) for process in family))


_COORDINATOR = f"""
import time
from study.config import StudyConfig
from study.worker.handle import Worker
from study.worker.messages import Start
from study.worker.forks import ForkServer
from study.worker.starter import Spawner
worker = Worker({{}}({STEADY!r}))
worker.start(Start(StudyConfig(), "cpu"))
print(worker.receive(), flush=True)
time.sleep(60)
"""


def test_a_killed_worker_takes_along_what_it_started(
    config: StudyConfig, starter_type: type[ForkServer | Spawner]
) -> None:
    starter = starter_type("tests.study.trainers:with_child")
    worker = Worker(starter)
    worker.start(Start(config, "cpu"))
    child = psutil.Process(int(expect(worker, Ready).data_hash))
    worker.kill()
    assert expect(worker, Gone).reason.startswith("the worker was killed by SIGKILL")
    until(lambda: is_gone(child))
    worker.end()
    starter.end()


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
    starter = starter_of("tests.study.trainers:without_device")
    worker = Worker(starter)
    worker.start(Start(config, "cuda:7"))
    assert expect(worker, Refused).message == "device: 'cuda:7' is not there"
    worker.end()
    starter.end()


def test_a_worker_says_how_many_trials_it_has_room_for_if_asked(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_STACK", "12")
    starter = starter_of(STEADY)
    orders = {1: Start(config, "cpu"), 4: Start(config, "cpu", workers=3, is_measured=True)}
    for stack, order in orders.items():
        worker = Worker(starter)
        worker.start(order)
        assert expect(worker, Ready).stack == stack
        worker.end()
    starter.end()
