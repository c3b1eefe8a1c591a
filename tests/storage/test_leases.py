"""When a lease has run out, and who may say so."""

from __future__ import annotations

import os
import signal
import time
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from storage import queries
from storage.engine import open_engine
from storage.leases import AWAY_SECONDS, Watch
from storage.runs import Holder, Runs
from tests.storage.clock import Clock
from tests.storage.conftest import (
    EPOCHS,
    HOLDER,
    JUDGE,
    MADE_OF,
    STUDY,
    cells,
    result,
    start,
    unknown,
)
from tests.storage.processes import start as start_process

LEASE, LOOK, RENEW = 60.0, 10.0, 5.0
"""Seconds that a lease lasts, between a coordinator's looks, and between its renewals."""


def look(judge: Runs, clock: Clock, seconds: float) -> list[int]:
    """Look for others' lost runs as a coordinator does; returns those taken."""
    taken = []
    for _ in range(round(seconds / LOOK)):
        clock.go(LOOK)
        taken += [lost.run_id for lost in judge.reap(unknown)]
    return taken


def shift_lease(engine: Engine, run_id: int, hours: float) -> None:
    """Have a lease as a holder would have written it whose clock differs."""
    shift = text("UPDATE trial_run SET lease_expires = lease_expires + :by WHERE id = :run")
    with engine.begin() as connection:
        connection.execute(shift, {"by": 3600 * hours, "run": run_id})


def test_a_lease_runs_out_when_it_was_not_renewed_for_as_long_as_it_lasts(
    runs: Runs, judge: Runs, clock: Clock
) -> None:
    run_id = start(runs)
    assert judge.reap(unknown) == []
    assert look(judge, clock, LEASE - LOOK) == []
    assert look(judge, clock, LOOK) == [run_id]
    assert not runs.complete(run_id, result())
    assert runs.record_histories({run_id: []}) == {run_id}


@pytest.mark.parametrize("hours", [-1, 1])
def test_whose_clock_differs_keeps_what_it_renews_and_loses_what_it_does_not(
    hours: int, runs: Runs, judge: Runs, clock: Clock, engine: Engine
) -> None:
    kept, left = start(runs), start(runs, 101)
    shift_lease(engine, left, hours)
    taken = []
    for _ in range(20):
        runs.record_histories({kept: []})
        shift_lease(engine, kept, hours)
        taken += look(judge, clock, LOOK)
    assert taken == [left]


def test_progress_renews_a_lease(runs: Runs, judge: Runs, clock: Clock) -> None:
    run_id = start(runs)
    for epoch in EPOCHS:
        assert runs.record_epochs(run_id, [epoch])
        assert look(judge, clock, LEASE - LOOK) == []


def test_a_live_process_that_hangs_loses_its_runs_too(
    runs: Runs, judge: Runs, clock: Clock
) -> None:
    run_id = start(runs)
    taken = []
    for _ in range(7):
        taken += judge.reap(lambda _: True)
        clock.go(LOOK)
    assert [lost.run_id for lost in taken] == [run_id]
    assert "nothing heard from host, pid 1" in taken[0].reason


def test_a_run_renewed_while_its_holder_was_judged_is_kept(
    runs: Runs, judge: Runs, clock: Clock
) -> None:
    run_id = start(runs)
    look(judge, clock, LEASE)

    def renew_meanwhile(_: Holder) -> None:
        runs.record_histories({run_id: []})

    clock.go(LOOK)
    assert judge.reap(renew_meanwhile) == []


def test_whoever_is_back_first_after_an_outage_takes_nothing(
    runs: Runs, judge: Runs, clock: Clock, engine: Engine
) -> None:
    start(runs)
    look(judge, clock, LEASE - LOOK)
    clock.go(10 * LEASE)
    late = Runs(engine, STUDY.study_id, HOLDER, clock=clock)
    assert [*judge.reap(unknown), *late.reap(unknown)] == []
    assert look(judge, clock, LEASE - LOOK) == []
    assert len(look(judge, clock, LOOK)) == 1


def test_whoever_is_dead_is_not_waited_for_after_an_outage(runs: Runs, judge: Runs) -> None:
    run_id = start(runs)
    assert [lost.run_id for lost in judge.reap(lambda _: False)] == [run_id]


@settings(deadline=None)
@given(
    renewals=st.lists(st.floats(0.1, LEASE - AWAY_SECONDS - 1), min_size=1, max_size=40),
    looks=st.lists(st.floats(0.1, 5 * AWAY_SECONDS), min_size=1, max_size=40),
    leases=st.lists(st.floats(-1e5, 1e5), min_size=41, max_size=41, unique=True),
)
def test_who_renews_is_never_judged_to_have_run_out(
    renewals: list[float], looks: list[float], leases: list[float]
) -> None:
    """However often the judge looks, and however the clock jumps that leases are written by."""
    clock = Clock()
    watch = Watch(LEASE, clock)
    renewed = [0.0, *accumulate(renewals)]
    for pause in looks:
        clock.go(pause)
        last = bisect_right(renewed, clock.now) - 1
        if last < len(renewals):
            assert watch.expired({1: leases[last]}) == set()


@settings(deadline=None)
@given(st.lists(st.integers(1, int(AWAY_SECONDS)), min_size=1, max_size=100))
def test_who_does_not_renew_is_judged_after_one_lease(looks: list[int]) -> None:
    clock = Clock()
    watch = Watch(LEASE, clock)
    for pause in looks:
        expired = watch.expired({1: 5.0})
        assert expired == ({1} if clock.now >= LEASE else set())
        clock.go(pause)


def hold_and_stop(url: str) -> None:
    """Claim a cell, stop until somebody has it go on, and end well if the claim is lost by then."""
    runs = Runs(open_engine(url), STUDY.study_id, HOLDER)
    [claim] = runs.claim(cells(1), 1, MADE_OF)
    assert runs.record_histories({claim.run_id: []}) == set()
    os.kill(os.getpid(), signal.SIGSTOP)
    assert runs.record_histories({claim.run_id: []}) == {claim.run_id}


@pytest.fixture
def holder(url: str, engine: Engine) -> Iterator[psutil.Process]:
    """A process that holds a cell and was stopped."""
    engine.dispose()
    process = start_process(hold_and_stop, url)
    seen = psutil.Process(process.pid)
    while seen.status() != psutil.STATUS_STOPPED:
        assert process.is_alive()
        time.sleep(0.01)
    yield seen
    process.kill()
    process.join()


def test_a_stopped_process_loses_its_run_after_a_lease_and_gives_way(
    holder: psutil.Process, engine: Engine
) -> None:
    judge = Runs(engine, STUDY.study_id, JUDGE, lease_seconds=0.5)
    began = time.monotonic()
    while not judge.reap(unknown):
        time.sleep(0.05)
    assert time.monotonic() - began >= 0.5
    assert len(judge.claim(cells(1), 1, MADE_OF)) == 1
    holder.resume()
    assert holder.wait(timeout=30) == 0


def test_status_calls_no_live_process_silent_on_sqlite_whatever_the_clocks_say(
    runs: Runs, engine: Engine, backend: str
) -> None:
    run_id = start(runs)
    assert queries.silent_runs(engine, STUDY.study_id) == set()
    shift_lease(engine, run_id, -1)
    late = {run_id} if backend == "postgresql" else set()
    assert queries.silent_runs(engine, STUDY.study_id) == late
    assert queries.silent_runs(engine, STUDY.study_id, lambda _: True) == late
    assert queries.silent_runs(engine, STUDY.study_id, lambda _: False) == {run_id}
    runs.record_histories({run_id: []})
    assert queries.silent_runs(engine, STUDY.study_id, lambda _: True) == set()
    assert queries.silent_runs(engine, STUDY.study_id, lambda _: False) == {run_id}
