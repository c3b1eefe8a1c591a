"""Runs a function in several real processes that start at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

_CONTEXT = multiprocessing.get_context("fork")


def at_once(count: int, work: Callable[..., None], *arguments: object) -> None:
    """Run `work(i, *arguments)` for i < count, each in a process; all must end well."""
    barrier = _CONTEXT.Barrier(count)
    started = [start(_wait_and_work, barrier, work, i, *arguments) for i in range(count)]
    for process in started:
        process.join(timeout=60)
    assert [process.exitcode for process in started] == [0] * count


def start(work: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    process = _CONTEXT.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def _wait_and_work(barrier: Barrier, work: Callable[..., None], i: int, *arguments: object) -> None:
    barrier.wait(timeout=30)
    work(i, *arguments)
