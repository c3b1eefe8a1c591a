"""Ratios of interleaved runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from benchmarks.timing import Taken, interleaved, ratio_of, summary, timed


def test_ratios_are_taken_within_a_round() -> None:
    # the machine slows down by half in the second round: the ratio stays
    timings = {
        "ours": [Taken(1.0, 2.0), Taken(2.0, 4.0), Taken(1.0, 2.0)],
        "plain": [Taken(4.0, 2.0), Taken(8.0, 4.0), Taken(6.0, 8.0)],
    }
    found = ratio_of(timings, "ours", "plain")
    assert (found.median, found.low, found.high, found.repeats) == (4.0, 4.0, 6.0, 3)
    assert ratio_of(timings, "ours", "plain", cpu=True).median == 1.0
    assert ratio_of(timings, "plain", "ours").high == 0.25
    assert summary(timings)["plain"] == {"wall_s": 6.0, "cpu_s": 4.0}


def test_sides_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than"):
        ratio_of({"a": [Taken(1, 1)], "b": [Taken(1, 1)] * 2}, "a", "b")


def test_every_contender_runs_once_a_round_and_none_always_first() -> None:
    ran: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: ran.append(name)

    timings = interleaved({name: note(name) for name in "abc"}, repeats=3, warmups=1)
    assert ran == [*"abc", *"bca", *"cab", *"abc"]
    assert {name: len(runs) for name, runs in timings.items()} == dict.fromkeys("abc", 3)


def test_wall_time_counts_waiting_and_cpu_time_does_not() -> None:
    taken = timed(lambda: time.sleep(0.1))
    assert taken.wall >= 0.1
    assert taken.cpu < 0.05


def test_cpu_time_counts_children() -> None:
    script = "import time\nwhile time.process_time() < 0.2: pass"
    taken = timed(lambda: subprocess.run([sys.executable, "-S", "-c", script], check=True))
    assert taken.cpu >= 0.2
