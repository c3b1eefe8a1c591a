"""The command: its exit codes, and that nothing it is interrupted by costs or doubles a trial."""

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
from study.run import main
from tests.storage.postgres import binaries, cluster
from tests.study import commands
from tests.study.trainers import STEADY

SMALL = ("--preset", "smoke", "--arms", "fixed,uncertainty,direct")


@pytest.fixture
def new_url(tmp_path: Path) -> str:
    """URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/new.db"


def flags(url: str, n_trials: int, workers: int = 1) -> tuple[object, ...]:
    return ("--n-trials", n_trials, "--storage", url, "--workers", workers, *SMALL)


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


def test_the_report_and_the_dashboard_are_shown_at_the_end(
    new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 2))], STEADY) == 0
    shown = capsys.readouterr()
    assert "2 complete" in shown.out
    assert shown.out.rstrip().endswith(f"python -m study.dashboard --storage {new_url}")
    assert "2/2 trials" in shown.err


def test_trials_that_failed_for_good_end_with_1(
    new_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_FAULTS", '{"uncertainty": "nan"}')
    assert main([*map(str, flags(new_url, 2))], STEADY) == 1
    assert "1 complete, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--n-trials", "0"], "--n-trials: expected a number greater than or equal to 1"),
        (["--ntrials", "3"], "--ntrials: no such flag; did you mean '--n-trials'?"),
        (["--preset", "quik"], "--preset: expected one of smoke, quick, full"),
        (["--storage", "mysql://x/y"], "storage: expected sqlite:///FILE or postgresql://"),
        (["--storage", "sqlite:////dev/null/study.db"], "/dev/null is a file"),
    ],
)
def test_a_mistake_ends_with_2_and_one_message(
    wrong: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--n-trials", "2"] if "--n-trials" not in wrong else []
    assert main([*given, *wrong], STEADY) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_names_the_cells_that_are_left(
    new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*map(str, flags(new_url, 1))], STEADY)
    capsys.readouterr()
    assert main([*map(str, flags(new_url, 3)), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "3 of the plan's 76 cells are asked for, 2 to run" in shown
    assert "the median of 1 trial of this study" in shown
    assert len(commands.rows(new_url)) == 1


def test_a_dry_run_makes_no_database(
    tmp_path: Path, new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 3)), "--dry-run"]) == 0
    assert "3 to run" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_used_ends_with_2_and_leaves_nothing(
    tmp_path: Path, new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 2))], "tests.study.trainers:without_data") == 2
    assert capsys.readouterr().err == (
        "somewhere: 1 fault in the data\n  - expected rows, found none\n"
    )
    assert list(tmp_path.iterdir()) == []


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
    assert {row.cause for row in commands.rows(new_url)} == {None, "crashed"}


def test_help_is_quick_and_light() -> None:
    script = (
        "import sys; sys.argv = ['run', '--help']\n"
        "from study.run import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'pandas', 'sqlalchemy', 'optuna') if m in sys.modules])"
    )
    assert commands.python(script).splitlines()[-1] == "[]"


def test_the_coordinator_is_small_and_never_imports_torch(new_url: str) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from study.run import main\n"
        f"main({[*map(str, flags(new_url, 6))]!r}, {STEADY!r})\n"
        "heavy = [m for m in ('torch', 'pytorch_lightning') if m in sys.modules]\n"
        "peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(int(peak) // 1024, heavy)"
    )
    mebibytes, heavy = commands.python(script).splitlines()[-1].split(maxsplit=1)
    assert int(mebibytes) < 300
    assert heavy == "[]"


def _has_workers(pid: int) -> bool:
    return bool(commands.workers_of(pid))
