"""Which outages are bridged, for how long, and how often the database is tried again."""

from __future__ import annotations

import logging

import pytest

from storage.errors import SchemaMissing, UnavailableError
from study.outage import LONGEST_PAUSE_SECONDS, Outage
from tests.study.clock import Clock

GONE = UnavailableError("postgresql://u@db/s", "connection refused", transient=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage(limit=60, clock=clock)


def fail(outage: Outage, error: Exception = GONE) -> None:
    with outage.bridged():
        raise error


def test_an_outage_is_bridged_until_the_database_is_back(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert not outage.is_on
    fail(outage)
    assert outage.is_on
    assert outage.is_waiting()
    clock.go(30)
    assert not outage.is_waiting()
    with outage.bridged():
        pass
    assert not outage.is_on
    began, ended = (record.getMessage() for record in caplog.records)
    assert "connection refused" in began
    assert "up to 60 s" in began
    assert ended == "the database is back after 30 s"


def test_it_is_said_once(outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        fail(outage)
        clock.go(10)
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING


def test_the_limit_ends_it(outage: Outage, clock: Clock) -> None:
    fail(outage)
    clock.go(60)
    fail(outage)
    clock.go(1)
    with pytest.raises(UnavailableError, match="connection refused"):
        fail(outage)


def test_a_second_outage_has_the_whole_limit_again(outage: Outage, clock: Clock) -> None:
    fail(outage)
    clock.go(59)
    with outage.bridged():
        pass
    fail(outage)
    clock.go(59)
    fail(outage)


def test_it_is_tried_again_ever_more_seldom(outage: Outage, clock: Clock) -> None:
    pauses = []
    for _ in range(8):
        fail(outage)
        began = clock.now
        while outage.is_waiting():
            clock.go(0.1)
        pauses.append(clock.now - began)
    assert pauses[0] < 1
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_SECONDS, abs=0.2)


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("postgresql://u@db/s", "password authentication failed"),
        SchemaMissing("no tables"),
        KeyError("a mistake of ours"),
    ],
)
def test_what_waiting_does_not_help_is_raised_at_once(outage: Outage, error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(outage, error)
    assert not outage.is_on
