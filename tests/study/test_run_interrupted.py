"""Nothing that a command is interrupted by, or shares with another, costs or doubles a trial."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from storage.optuna_schema import open_optuna
from tests.storage.postgres import binaries, cluster
from tests.study import commands
from tests.study.commands import flags


def running(url: str) -> int:
    """How many trials are with a worker."""
    with suppress(Exception):
        return sum(r.state == "running" and r.worker is not None for r in commands.rows(url))
    return 0


def optuna_states(url: str) -> list[TrialState]:
    storage = open_optuna(url)
    study = optuna.load_study(study_name="study", storage=storage)
    found = [trial.state for trial in study.get_trials(deepcopy=False)]
    storage.engine.dispose()
    return found


def assert_finished_once(url: str, count: int) -> None:
    """Each of so many cells has been finished, once; both tables agree, nothing runs."""
    rows = commands.rows(url)
    finished = [row.cell for row in rows if row.state == "complete"]
    assert len(finished) == len(set(finished)) == count
    assert all(row.state != "running" for row in rows)
    states = optuna_states(url)
    assert states.count(TrialState.COMPLETE) == count
    assert set(states) <= {TrialState.COMPLETE, TrialState.FAIL}


def assert_shared_by_two_commands(url: str) -> None:
    both = [commands.start(*flags(url, 10), env={"TRAINER_PAUSE": "0.1"}) for _ in range(2)]
    ended = [commands.finish(command) for command in both]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert_finished_once(url, 10)
    assert len({row.worker for row in commands.rows(url)}) == 2


def test_ctrl_c_gives_back_what_was_running(new_url: str) -> None:
    command = commands.start(*flags(new_url, 3, workers=2), env={"TRAINER_PAUSE": "60"})
    commands.until(lambda: running(new_url) == 2)
    workers = commands.workers_of(command.pid)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=5)
    assert command.returncode == 130
    assert "0 of 3 trials are finished; the same command goes on" in err
    assert len(workers) == 2
    assert all(commands.is_gone(worker) for worker in workers)
    assert [(r.state, r.cause) for r in commands.rows(new_url)] == [("released", "interrupted")] * 2
    assert optuna_states(new_url) == [TrialState.FAIL] * 2


def test_a_signal_before_the_first_worker_is_ready_leaves_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    command = commands.start(*flags(url, 3), trainer="tests.study.trainers:slow_to_start")
    commands.until(lambda: len(commands.workers_of(command.pid)) == 1)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=5)
    assert command.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_ends_the_process_at_once(new_url: str) -> None:
    command = commands.start(*flags(new_url, 3), env={"TRAINER_PAUSE": "60"})
    commands.until(lambda: running(new_url) == 1)
    lock = sqlite3.connect(new_url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # the first signal cannot write what it gives back
    command.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert command.poll() is None
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=2)
    assert command.returncode == -signal.SIGINT
    lock.close()


def test_two_commands_at_once_share_the_cells(new_url: str) -> None:
    assert_shared_by_two_commands(new_url)


@pytest.mark.slow
def test_two_commands_at_once_share_a_postgresql() -> None:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with cluster(programs) as server:
        assert_shared_by_two_commands(server.create_database())


def test_the_last_cell_of_a_dead_command_is_taken_over_at_once(new_url: str) -> None:
    first = commands.start(*flags(new_url, 1), env={"TRAINER_PAUSE": "60"})
    commands.until(lambda: running(new_url) == 1)
    second = commands.start(*flags(new_url, 1))
    time.sleep(1.0)
    first.kill()
    first.communicate()
    code, _, err = commands.finish(second)
    assert code == 0, err
    assert "is free again: the process that held it is gone" in err
    assert_finished_once(new_url, 1)


def test_killed_at_any_moment_the_same_command_ends_with_n_trials(new_url: str) -> None:
    moments = random.Random(7)
    env = {"TRAINER_PAUSE": "0.03"}
    for _ in range(3):
        command = commands.start(*flags(new_url, 8, workers=2), env=env)
        commands.until(lambda command=command: _has_workers(command.pid))  # type: ignore[misc]
        time.sleep(moments.uniform(0.2, 1.6))
        command.kill()
        command.communicate()
    code, _, err = commands.run(*flags(new_url, 8, workers=2), env=env)
    assert code == 0, err
    assert_finished_once(new_url, 8)


def test_killed_workers_are_replaced(new_url: str) -> None:
    command = commands.start(*flags(new_url, 6, workers=2), env={"TRAINER_PAUSE": "0.3"})
    for _ in range(2):
        commands.until(lambda: running(new_url) > 0)
        commands.workers_of(command.pid)[0].kill()
        time.sleep(0.7)
    code, _, err = commands.finish(command)
    assert code == 0, err
    assert_finished_once(new_url, 6)
    assert {row.cause for row in commands.rows(new_url)} == {None, "host_memory"}


def _has_workers(pid: int) -> bool:
    return bool(commands.workers_of(pid))
