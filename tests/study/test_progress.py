from __future__ import annotations

import io
import logging

import pytest

from study import progress
from study.logs import LogHandler
from study.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Time that goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_the_line_says_what_is_done_what_runs_and_what_is_best(clock: Clock) -> None:
    shown = Progress(io.StringIO(), total=10, epochs=8, best={"fixed": 0.7})
    shown.counted({"complete": 2, "failed": 1, "running": 2})
    shown.finished("direct", 0.75)
    shown.finished("fixed", 0.6)
    shown.show([("fixed", 6), ("uncertainty", -1)])
    assert shown.line().startswith(
        "5/10 trials (1 failed) | fixed epoch 7/8, uncertainty epoch 0/8 | "
        "best: direct 0.750, fixed 0.700"
    )


def test_what_was_pruned_is_counted_and_is_no_best(clock: Clock) -> None:
    shown = Progress(io.StringIO(), total=10, epochs=8, best={"fixed": 0.7})
    shown.counted({"complete": 2, "pruned": 1})
    shown.pruned()
    assert shown.line().startswith("4/10 trials (2 pruned) | best: fixed 0.700")
    shown.failed()
    assert shown.line().startswith("5/10 trials (1 failed, 2 pruned)")


def test_the_time_left_counts_the_epochs_of_running_trials(clock: Clock) -> None:
    shown = Progress(io.StringIO(), total=5, epochs=4)
    shown.counted({"complete": 1})
    assert "left" not in shown.line()
    clock.now += 60
    shown.finished("fixed", 0.5)
    shown.show([("direct", 1)])
    assert shown.line().endswith("about 2 min left")  # 2.5 trials of 40 s


def test_what_others_did_counts_too(clock: Clock) -> None:
    shown = Progress(io.StringIO(), total=4, epochs=4)
    shown.counted({"complete": 1})
    clock.now += 10
    shown.counted({"complete": 3, "running": 1})
    assert shown.line() == "3/4 trials | about 5 s left"


def test_nothing_is_left_when_all_is_done(clock: Clock) -> None:
    shown = Progress(io.StringIO(), total=1, epochs=4)
    shown.counted({})
    clock.now += 10
    shown.finished("fixed", 0.5)
    assert shown.line() == "1/1 trials | best: fixed 0.500"


def test_plain_lines_come_now_and_then_and_when_a_trial_ends(clock: Clock) -> None:
    stream = io.StringIO()
    shown = Progress(stream, total=3, epochs=4)
    for _ in range(20):
        shown.show([])
        clock.now += 1
    shown.failed()
    shown.show([])
    assert stream.getvalue().splitlines() == ["0/3 trials", "0/3 trials", "1/3 trials (1 failed)"]


def test_on_a_terminal_there_is_one_line_that_logging_does_not_garble(clock: Clock) -> None:
    stream = Terminal()
    shown = Progress(stream, total=3, epochs=4)
    shown.show([])
    LogHandler(stream).emit(logging.makeLogRecord({"msg": "a trial failed"}))
    clock.now += 1
    shown.show([])
    shown.counted({"complete": 3})
    shown.close()
    clear = "\r\x1b[K"
    assert stream.getvalue() == (
        f"{clear}0/3 trials{clear}a trial failed\n{clear}0/3 trials{clear}3/3 trials\n"
    )


def test_as_events_nothing_is_written_beside_the_log(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Terminal()
    caplog.set_level(logging.INFO, "study.progress")
    shown = Progress(stream, total=3, epochs=4, best={"fixed": 0.5}, as_events=True)
    shown.counted({})
    shown.show([])
    clock.now += 1
    shown.show([("direct", 1)])
    shown.finished("direct", 0.75)
    shown.show([("direct", 1)])
    shown.close()
    shown.close()
    assert stream.getvalue() == ""
    events = [record.__dict__["about"] for record in caplog.records]
    assert [event["finished"] for event in events] == [0, 1, 1]
    assert events[1] == {
        "event": "progress",
        "finished": 1,
        "total": 3,
        "failed": 0,
        "pruned": 0,
        "running": [{"arm": "direct", "epoch": 2, "epochs": 4}],
        "best": {"fixed": 0.5, "direct": 0.75},
        "seconds_left": 1.0,  # 1.5 trials a second, 1.5 to go
    }


def test_json_lines_are_not_begun_by_clearing_a_terminal() -> None:
    stream = Terminal()
    LogHandler(stream, clears=False).emit(logging.makeLogRecord({"msg": "m"}))
    assert stream.getvalue() == "m\n"


def test_the_last_line_is_not_said_twice(clock: Clock) -> None:
    stream = io.StringIO()
    shown = Progress(stream, total=3, epochs=4)
    shown.show([])
    shown.close()
    shown.counted({"complete": 3})
    shown.close()
    assert stream.getvalue().splitlines() == ["0/3 trials", "3/3 trials"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(50, "50 s"), (200, "3 min"), (9000, "2.5 h"), (0, "0 s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
