"""How the cells of a run are shared out to its workers."""

from __future__ import annotations

import heapq
import math

from hypothesis import given
from hypothesis import strategies as st

from study.runner import Team
from study.worker.messages import Ready

counts = st.integers(1, 40)


def team(workers: int, left: int, asked: int | None = None, *, is_cpu: bool = True) -> Team:
    return Team(["device"] * workers, left, asked, is_cpu)


def shared_out(team: Team, stack: int) -> list[int]:
    """Trials of each worker when all take as long for a trial, in jobs as they are handed out."""
    workers = [(0, i) for i in range(len(team.devices))]
    unclaimed = team.left
    while unclaimed:
        busy, worker = heapq.heappop(workers)
        job = min(team.job(stack, unclaimed), unclaimed)
        unclaimed -= job
        heapq.heappush(workers, (busy + job, worker))
    return [busy for busy, _ in workers]


@given(counts, counts)
def test_cores_end_together(workers: int, left: int) -> None:
    assert max(shared_out(team(workers, left), 2)) == math.ceil(left / workers)


@given(counts, counts, st.integers(1, 64))
def test_every_gpu_gets_its_part_in_as_few_jobs_as_it_has_room_for(
    workers: int, left: int, stack: int
) -> None:
    part = math.ceil(left / workers)
    found = team(workers, left, is_cpu=False)
    assert {found.job(stack, n) for n in range(1, left + 1)} == {min(stack, part)}


@given(counts, counts, counts)
def test_a_stack_that_is_asked_for_is_what_every_job_gets(left: int, asked: int, n: int) -> None:
    found = team(2, left, asked)
    stack = found.stack(Ready("cpu", ("cpu",), "hash", 2, 1))
    assert stack == asked
    assert found.job(stack, n) == asked
