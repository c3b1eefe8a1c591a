"""Python processes as a user's shell would start them, whatever started this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_CACHE = "STUDY_CACHE"
_LEFT_OUT = ("STUDY_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Settings of studies, and what keeps byte code from being cached."""


def clear_environment() -> None:
    """Take out of this process, for all it starts, what the figures are not to depend on."""
    for name in set(os.environ) - {_CACHE}:
        if name.startswith(_LEFT_OUT):
            del os.environ[name]


def environment(threads: int | None, **more: str) -> dict[str, str]:
    """Of this process, with so many threads a process; None for the libraries' default."""
    kept = {name: value for name, value in os.environ.items() if name not in THREADS}
    return kept | ({} if threads is None else dict.fromkeys(THREADS, str(threads))) | more


def run_all(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[str]:
    """Run `python -m ...` commands side by side. Returns what each wrote to standard output.

    Raises:
        RuntimeError: one failed, with what it said.
    """
    started = [
        subprocess.Popen(  # noqa: S603 (our own modules)
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        said = [process.communicate() for process in started]
    finally:
        for process in started:
            process.kill()
    for command, process, (_, error) in zip(commands, started, said, strict=True):
        if process.returncode:
            raise RuntimeError(f"{command[0]}: exit code {process.returncode}\n{error}")
    return [out for out, _ in said]
