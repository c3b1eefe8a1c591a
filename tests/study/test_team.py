"""How the cells of a run are shared out to its workers."""

from __future__ import annotations

import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config import RunOptions
from study.rules import CellsLeft
from study.team import Team, team_of
from study.worker.messages import Ready

counts = st.integers(1, 40)
READY = Ready("cpu", ("cpu",), "hash", 2, 1)


def team(workers: int, asked: int | None = None, *, is_cpu: bool = True) -> Team:
    return Team(["device"] * workers, asked, is_cpu)


def shared_out(team: Team, stack: int, cells: int) -> list[int]:
    """Trials of each worker when all take as long for a trial, in jobs as they are handed out."""
    workers = [(0, i) for i in range(len(team.devices))]
    unclaimed = cells
    while unclaimed:
        busy, worker = heapq.heappop(workers)
        job = min(team.job(stack, CellsLeft(unclaimed, cells)), unclaimed)
        unclaimed -= job
        heapq.heappush(workers, (busy + job, worker))
    return [busy for busy, _ in workers]


@given(counts, counts)
def test_cores_end_together(workers: int, cells: int) -> None:
    assert max(shared_out(team(workers), 2, cells)) == math.ceil(cells / workers)


@given(counts, counts, st.integers(1, 64))
def test_every_gpu_gets_its_part_in_as_few_jobs_as_it_has_room_for(
    workers: int, cells: int, stack: int
) -> None:
    part = math.ceil(cells / workers)
    found = team(workers, is_cpu=False)
    jobs = {found.job(stack, CellsLeft(n, cells)) for n in range(1, cells + 1)}
    assert jobs == {min(stack, part)}


@given(counts, counts, counts)
def test_a_stack_that_is_asked_for_is_what_every_job_gets(left: int, asked: int, n: int) -> None:
    found = team(2, asked)
    stack = found.stack(READY)
    assert stack == asked
    assert found.job(stack, CellsLeft(n, left)) == asked


@pytest.mark.parametrize(("left", "workers"), [(0, 1), (1, 1), (2, 2), (9, 3)])
def test_no_more_workers_than_cells_they_may_get(left: int, workers: int) -> None:
    options = RunOptions(n_trials=1, workers=3)
    assert len(team_of(options, READY, left).devices) == workers
