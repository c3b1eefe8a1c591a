"""What is said of a worker that was killed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from study.worker.shortage import in_words, oom_kills
from study.worker.starter import Ending

KILLED = Ending("the worker was killed by SIGKILL", 9)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (3, 4, "the worker was killed by SIGKILL: the system ran out of memory"),
        (3, 3, "and the system has not run out of memory: somebody sent it"),
        (None, None, "as the system does when memory runs out"),
    ],
)
def test_whether_memory_ran_out_is_told_as_far_as_it_is_known(
    before: int | None, now: int | None, said: str
) -> None:
    assert said in in_words(KILLED, before, now)


def test_other_ends_have_nothing_to_do_with_memory() -> None:
    ended = Ending("the worker ended with exit code 3")
    assert in_words(ended, 3, 4) == ended.reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
def test_linux_counts_what_it_ended() -> None:
    assert oom_kills() is not None


def test_elsewhere_nothing_is_known(tmp_path: Path) -> None:
    assert oom_kills(tmp_path / "none") is None
