"""When a worker is past a limit, and when it only seems so."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.watchdog import (
    EPOCH_FACTOR,
    FIRST_SECONDS,
    LONGEST_LOOK,
    SHORTEST_STALL,
    Limits,
    Overdue,
    Watchdog,
)
from study.worker.handle import Worker
from tests.study.clock import Clock


class Watched:
    """A watchdog, its clock and a worker with a job."""

    def __init__(self, limits: Limits) -> None:
        self.clock = Clock()
        self.dog = Watchdog(limits, self.clock)
        self.worker = cast("Worker", object())
        self.dog.begins(self.worker)

    def wait(self, seconds: float) -> list[Overdue]:
        """Look every second or so, as a coordinator does; what was overdue first."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.go(min(1.0, end - self.clock.now))
            if found := list(self.dog.overdue()):
                return found
        return []

    def epoch(self, seconds: float) -> None:
        """One epoch of so many seconds."""
        assert self.wait(seconds) == []
        self.dog.hears(self.worker)


def test_a_worker_without_an_epoch_for_too_long_is_stalled() -> None:
    watched = Watched(Limits(stall=5))
    watched.epoch(4)
    watched.epoch(4)
    assert watched.wait(5) == []
    (overdue,) = watched.wait(1)
    assert overdue.worker is watched.worker
    assert overdue.cause == "stalled"
    assert overdue.reason == (
        "no epoch after 6 s, at most 5 s were given (--stall-limit); it was killed"
    )


def test_a_job_that_does_not_end_is_past_its_deadline() -> None:
    watched = Watched(Limits(stall=5, trial=10))
    for _ in range(3):
        watched.epoch(3)
    (overdue,) = watched.wait(2)
    assert overdue.cause == "deadline"
    assert "--trial-limit" in overdue.reason


def test_without_limits_the_first_epoch_has_half_an_hour() -> None:
    watched = Watched(Limits())
    assert watched.wait(FIRST_SECONDS) == []
    assert [found.cause for found in watched.wait(1)] == ["stalled"]


@given(st.lists(st.floats(0.1, 60), min_size=1, max_size=5))
def test_without_limits_a_multiple_of_the_longest_epoch_is_given(epochs: list[float]) -> None:
    watched = Watched(Limits())
    for seconds in epochs:
        watched.epoch(seconds)
    limit = watched.dog.stall_limit
    assert limit >= SHORTEST_STALL
    assert limit >= EPOCH_FACTOR * max(epochs) - 1e-6
    assert watched.wait(limit - 1) == []
    assert [found.cause for found in watched.wait(3)] == ["stalled"]


def test_without_limits_a_job_may_take_a_multiple_of_the_longest_that_was_done() -> None:
    watched = Watched(Limits(stall=1e6))
    watched.epoch(100)
    watched.dog.ends(watched.worker, is_done=True)
    watched.dog.begins(watched.worker)
    for _ in range(10):
        watched.epoch(100)
    assert [found.cause for found in watched.wait(1)] == ["deadline"]


def test_a_job_that_was_not_done_teaches_nothing() -> None:
    watched = Watched(Limits())
    watched.epoch(10)
    watched.dog.ends(watched.worker, is_done=False)
    assert watched.dog.job_limit == float("inf")


def test_a_worker_that_is_done_is_not_watched() -> None:
    watched = Watched(Limits(stall=5))
    watched.dog.ends(watched.worker, is_done=True)
    assert watched.wait(60) == []


@pytest.mark.parametrize("asleep", [60.0, 86_400.0])
def test_time_in_which_nobody_looked_is_not_held_against_a_worker(asleep: float) -> None:
    """The machine or this process was stopped: what the worker said waits to be read."""
    watched = Watched(Limits(stall=LONGEST_LOOK + 10))
    watched.epoch(3)
    watched.clock.go(asleep)
    assert list(watched.dog.overdue()) == []
    watched.epoch(3)
    assert [found.cause for found in watched.wait(LONGEST_LOOK + 11)] == ["stalled"]
