"""The process that workers are forked from, and what becomes of them when it goes."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from study.config import StudyConfig
from study.run import TRAINER
from study.stop import StopSignal
from study.worker import forks
from study.worker.fork_server import Nursery
from study.worker.forks import ForkServer
from study.worker.handle import Gone, Worker
from study.worker.messages import Answer, Ready, Start
from study.worker.pool import Pool, Recipe, first_ready
from tests.study import commands
from tests.study.trainers import STEADY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux alone")


@pytest.fixture
def server() -> Iterator[ForkServer]:
    started = ForkServer(STEADY)
    yield started
    started.end()


def ready(server: ForkServer, config: StudyConfig) -> tuple[Worker, Ready]:
    worker = Worker(server)
    worker.start(Start(config, "cpu"))
    answer = answered(worker)
    assert isinstance(answer, Ready)
    return worker, answer


def answered(worker: Worker) -> Answer | Gone:
    assert worker.connection.poll(30), "no answer"
    return worker.receive()


def server_process() -> psutil.Process:
    (found,) = commands.fork_servers_of(os.getpid())
    return found


def test_workers_are_forked_from_what_was_imported_once(
    server: ForkServer, config: StudyConfig
) -> None:
    first, _ = ready(server, config)
    began = time.perf_counter()
    second, answer = ready(server, config)
    assert time.perf_counter() - began < 0.2  # an interpreter with numpy takes longer
    assert psutil.Process(answer.pid).parent() == server_process()
    assert os.getsid(answer.pid) == answer.pid
    for worker in (first, second):
        worker.end()


def test_each_worker_has_a_log_of_its_own(config: StudyConfig) -> None:
    server = ForkServer("tests.study.trainers:dying")
    workers = [Worker(server) for _ in range(2)]
    for worker in workers:
        worker.start(Start(config, "cpu"))
        assert isinstance(answered(worker), Gone)
        assert worker.log_tail() == "about to die"
        worker.end()
    server.end()


def test_a_worker_holds_no_connection_but_its_own(server: ForkServer, config: StudyConfig) -> None:
    first, _ = ready(server, config)
    second, answer = ready(server, config)
    descriptors = [Path(p).readlink() for p in Path(f"/proc/{answer.pid}/fd").iterdir()]
    assert len([d for d in descriptors if d.name.startswith("socket:")]) == 1
    for worker in (first, second):
        worker.end()


def test_workers_go_with_the_server_and_say_so(server: ForkServer, config: StudyConfig) -> None:
    workers = [ready(server, config)[0] for _ in range(2)]
    processes = server_process().children()
    assert len(processes) == 2
    server_process().kill()
    for worker in workers:
        gone = answered(worker)
        assert isinstance(gone, Gone)
        assert gone.reason.startswith(
            "the process that workers are forked from was killed by SIGKILL"
        )
        assert gone.signal == signal.SIGKILL
        worker.end()
    commands.until(lambda: all(commands.is_gone(process) for process in processes))


def test_a_pool_goes_on_with_another_server(config: StudyConfig) -> None:
    with StopSignal() as stop, Pool(Recipe(STEADY, config, "cpu")) as pool:
        first = first_ready(pool, stop)
        assert first is not None
        server_process().kill()
        assert isinstance(answered(first[0]), Gone)
        pool.replace(first[0])
        ((worker, answer),) = pool.answers(stop, 30)
        assert isinstance(pool.started(worker, answer), Ready)
    assert commands.fork_servers_of(os.getpid()) == []


def test_a_server_that_does_not_answer_is_killed(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "ANSWER_SECONDS", 0.2)
    server = ForkServer(STEADY)
    worker, _ = ready(server, config)
    server_process().suspend()
    worker.kill()
    assert answered(worker) == Gone(
        "the process that workers are forked from was killed by SIGKILL"
    )
    worker.end()
    server.end()


def test_a_server_that_is_still_importing_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path, monkeypatch, "import time; time.sleep(60)")
    server = ForkServer("imported_by_test:trainer")
    worker = Worker(server)
    began = time.perf_counter()
    worker.end()
    server.end()
    assert time.perf_counter() - began < 1.0


def test_an_import_that_kills_the_server_is_told(
    config: StudyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path, monkeypatch, "import os; print('no library', flush=True); os._exit(3)")
    server = ForkServer("imported_by_test:trainer")
    worker = Worker(server)
    worker.start(Start(config, "cpu"))
    assert answered(worker) == Gone(
        "the process that workers are forked from ended with exit code 3: no library"
    )
    worker.end()
    server.end()


def test_a_fork_that_is_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "fork", refuse)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(10)
    connection, log = os.pipe()
    server = threading.Thread(target=Nursery(theirs, STEADY).serve)
    server.start()
    socket.send_fds(ours, [b"start 1"], [connection, log])
    ours.send(b"poll 1")
    told = ours.recv(1000)
    assert told == b"0 the worker could not be started: [Errno 12] Cannot allocate memory"
    ours.close()
    server.join(10)
    theirs.close()
    for descriptor in (connection, log):
        os.close(descriptor)


def module(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let workers, and them alone, find the module `imported_by_test`."""
    (folder / "imported_by_test.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.mark.slow
def test_the_real_trainer_is_imported_without_threads_and_devices(config: StudyConfig) -> None:
    server = ForkServer(TRAINER)
    worker, _ = ready(server, config)
    assert server_process().num_threads() == 1
    opened = [path.readlink() for path in Path(f"/proc/{server_process().pid}/fd").iterdir()]
    assert not [path for path in opened if path.name.startswith("nvidia")]
    worker.end()
    server.end()
