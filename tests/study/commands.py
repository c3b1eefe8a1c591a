"""`python -m study.run` in real processes, with a trainer that is quick."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from storage import queries
from storage.engine import open_engine
from storage.queries import TrialRow
from tests.study.trainers import STEADY

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""After which a test gives up waiting."""
SMALL = ("--preset", "smoke", "--arms", "fixed,uncertainty,direct")


def flags(url: str, n_trials: int, workers: int = 1) -> tuple[object, ...]:
    """Arguments that ask for trials of a small study."""
    return ("--n-trials", n_trials, "--storage", url, "--workers", workers, *SMALL)


def start(
    *arguments: object, trainer: str = STEADY, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the command."""
    run = f"import sys; from study.run import main; sys.exit(main(sys.argv[1:], {trainer!r}))"
    return subprocess.Popen(
        [sys.executable, "-c", run, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(command: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for its end. Returns exit code, output and error output."""
    out, err = command.communicate(timeout=SECONDS)
    return command.returncode, out, err


def run(
    *arguments: object, trainer: str = STEADY, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Start the command and wait for its end."""
    return finish(start(*arguments, trainer=trainer, env=env))


def python(script: str) -> str:
    """Run a script in a process of its own. Returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return done.stdout


def rows(url: str, study: str = "study") -> list[TrialRow]:
    """All attempts of a study."""
    engine = open_engine(url)
    try:
        return queries.trial_rows(engine, queries.study_by_name(engine, study).study_id)
    finally:
        engine.dispose()


def until(is_true: Callable[[], bool]) -> None:
    """Wait until something is the case."""
    give_up = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.01)


def workers_of(pid: int) -> list[psutil.Process]:
    """Worker processes of a coordinator; none if it has ended."""
    return [worker for server in fork_servers_of(pid) for worker in _children(server)]


def fork_servers_of(pid: int) -> list[psutil.Process]:
    """What a coordinator has its workers forked from; none if it has ended."""
    with suppress(psutil.NoSuchProcess):
        children = _children(psutil.Process(pid))
        return [child for child in children if "study.worker.fork_server" in child.cmdline()]
    return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children()
    return []


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
