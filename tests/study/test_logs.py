"""What a run logs, as text and as JSON."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.logs import JsonFormatter, TextFormatter, about
from tests.study import commands
from tests.study.commands import ROOT, flags

SECRET = "postgresql://me:hunter2@db/studies"
HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING study\.test: ")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=5,
)


def record(message: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("study.test", logging.WARNING, "file", 1, message, args, None)
    made.__dict__.update(about(event="happened", **fields))
    return made


def raised(message: str) -> logging.LogRecord:
    made = record("a worker failed")
    try:
        _raise(message)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def _raise(message: str) -> NoReturn:
    raise ValueError(message)


def text(of: logging.LogRecord, study: str = "s") -> str:
    return TextFormatter(study).format(of)


def _refused(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def loaded(line: str) -> dict[str, Any]:
    """The object on a line that is JSON in every parser's eyes."""
    assert line.isascii()
    assert line.isprintable()
    found = json.loads(line, parse_constant=_refused)
    assert isinstance(found, dict)
    json.dumps(found, ensure_ascii=False).encode()
    return found


def as_json(of: logging.LogRecord, study: str = "s") -> dict[str, Any]:
    return loaded(JsonFormatter(study).format(of))


def test_a_text_line_ends_with_what_it_is_about() -> None:
    line = text(record("trial %d failed", 3, trial=3, cell="0123456789abcdef", worker="host:42"))
    assert HEAD.match(line)
    assert line.endswith(": trial 3 failed [study=s trial=3 cell=01234567 worker=host:42]")


def test_fields_that_are_not_set_are_not_shown() -> None:
    line = text(record("hello", trial=None, worker=None))
    assert line.endswith(": hello [study=s]")
    assert not {"trial", "worker"} & as_json(record("hello", trial=None, worker=None)).keys()


def test_json_has_what_every_event_has_and_what_this_one_is_about() -> None:
    made = record("trial %d failed", 3, trial=3, cell="0123456789abcdef", cause="crashed")
    made.created = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC).timestamp()
    assert as_json(made) == {
        "time": "2026-01-02T03:04:05.678+00:00",
        "level": "warning",
        "logger": "study.test",
        "event": "happened",
        "message": "trial 3 failed",
        "study": "s",
        "trial": 3,
        "cell": "0123456789abcdef",
        "cause": "crashed",
    }


def test_a_record_of_another_library_has_no_event() -> None:
    made = logging.makeLogRecord({"msg": "%s", "args": ("a", "b"), "about": "elsewhere"})
    found = as_json(made)
    assert found["event"] is None
    assert found["message"] == "%s ('a', 'b')"


def test_what_is_not_a_finite_number_is_null() -> None:
    found = as_json(record("m", value=float("nan"), best={"fixed": float("inf")}, seen=(1, 0.5)))
    assert (found["value"], found["best"], found["seen"]) == (None, {"fixed": None}, [1, 0.5])


@given(st.text(), st.dictionaries(st.sampled_from(["trial", "arm", "reason"]), VALUES), st.text())
def test_json_is_one_line_whatever_it_holds(
    message: str, fields: dict[str, Any], study: str
) -> None:
    found = as_json(record("%s", message, **fields), study)
    assert {"time", "level", "logger", "event", "message", "study"} <= found.keys()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@=&'\"")))
def test_json_gives_texts_back(message: str) -> None:
    assert as_json(record("%s", message))["message"] == message


@given(st.text(), st.text(), st.text())
def test_text_is_one_line_whatever_it_holds(message: str, worker: str, study: str) -> None:
    line = text(record("%s", message, worker=worker), study)
    assert line.isprintable()
    assert HEAD.match(line)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\x1b[2K\r", "\x85", "\u2028"])
def test_a_label_cannot_forge_a_line(end: str) -> None:
    forged = f"x{end}2026-01-01 00:00:00,000 WARNING study.test: all is well [study=s]"
    for line in (text(record(forged)), text(record("m", worker=forged)), text(record("m"), forged)):
        assert line.isprintable()
        assert len(line.splitlines()) == 1


def test_a_traceback_cannot_forge_a_line() -> None:
    first, *rest = text(raised("no\n2026-01-01 00:00:00,000 WARNING study.test: m")).splitlines()
    assert first.endswith("a worker failed [study=s]")
    assert rest[0] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in rest)


def test_a_value_cannot_forge_a_field() -> None:
    line = text(record("m", worker="h trial=9"), study='a" cell=1')
    assert line.endswith(r'[study="a\" cell=1" worker="h trial=9"]')
    assert text(record("m"), study="").endswith('[study=""]')


@pytest.mark.parametrize(
    ("made", "study"),
    [
        (record("cannot reach %s", SECRET), "s"),
        (record("cannot reach %s or\n%s", SECRET, SECRET), "s"),
        (record("m", worker=SECRET, reason={SECRET: [f"lost {SECRET}"]}), "s"),
        (raised(f"cannot reach {SECRET}"), "s"),
        (record("m"), SECRET),
    ],
)
def test_passwords_are_masked_wherever_they_stand(made: logging.LogRecord, study: str) -> None:
    assert "hunter2" not in text(made, study)
    assert "hunter2" not in json.dumps(as_json(made, study))


def test_exceptions_are_part_of_the_object() -> None:
    said = as_json(raised("no"))["exception"]
    assert said.startswith("Traceback (most recent call last):\n")
    assert said.endswith("\nValueError: no")


def lines(err: str) -> list[dict[str, Any]]:
    return [loaded(line) for line in err.splitlines()]


def logged(script: str, level: str = "info", log_format: str = "json") -> str:
    """What a process that logs writes to standard error."""
    start = (
        "import logging, sys, warnings\n"
        "from study.logs import log_to\n"
        f"log_to(sys.stderr, 's', {log_format!r}, {level!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def test_warnings_and_crashes_are_lines_too() -> None:
    warned, crashed = lines(logged("warnings.warn('old\\nthing')\nraise KeyError('gone')"))
    assert (warned["logger"], warned["level"]) == ("py.warnings", "warning")
    assert "old\nthing" in warned["message"]
    assert (crashed["event"], crashed["level"]) == ("crash", "critical")
    assert crashed["exception"].endswith("KeyError: 'gone'")


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("debug", ["study", "study", "study", "other"]),
        ("info", ["study", "study", "other"]),
        ("warning", ["study", "other"]),
        ("error", []),
    ],
)
def test_a_level_is_the_least_that_is_logged(level: str, said: list[str]) -> None:
    script = (
        "for name in ('study', 'other'):\n"
        "    for level in (10, 20, 30):\n"
        "        logging.getLogger(name).log(level, 'm')"
    )
    assert [line["logger"] for line in lines(logged(script, level))] == said


def test_a_study_logs_nothing_but_json(new_url: str) -> None:
    code, _, err = commands.run(
        *flags(new_url, 3),
        *("--study-name", "mine", "--log-format", "json"),
        env={"TRAINER_FAULTS": '{"direct": "nan"}'},
    )
    assert code == 1
    found = lines(err)
    assert {line["study"] for line in found} == {"mine"}
    assert found[-1]["event"] == "progress"
    last = {name: found[-1][name] for name in ("finished", "total", "failed", "pruned")}
    assert last == {"finished": 3, "total": 3, "failed": 1, "pruned": 0}
    (failed,) = (line for line in found if line["event"] == "trial_failed")
    assert (failed["arm"], failed["cause"], failed["level"]) == (
        "direct",
        "non_finite_loss",
        "warning",
    )
    rows = {row.cell: row for row in commands.rows(new_url, "mine")}
    assert rows[failed["cell"]].number == failed["trial"]
    assert rows[failed["cell"]].worker == failed["worker"]


def test_a_mistake_is_an_event_too(new_url: str) -> None:
    code, _, err = commands.run(
        *flags(new_url, 3), "--log-format", "json", trainer="tests.study.trainers:without_data"
    )
    assert code == 2
    (line,) = lines(err)
    assert (line["event"], line["level"]) == ("run_failed", "error")
    assert line["message"].startswith("somewhere: 1 fault in the data")


def test_so_is_an_interruption(new_url: str) -> None:
    command = commands.start(
        *flags(new_url, 2), "--log-format", "json", env={"TRAINER_PAUSE": "60"}
    )
    commands.until(lambda: bool(commands.workers_of(command.pid)))
    commands.until(lambda: Path(new_url.removeprefix("sqlite:///")).exists())
    command.send_signal(signal.SIGINT)
    code, _, err = commands.finish(command)
    assert code == 130
    last = lines(err)[-1]
    assert (last["event"], last["level"]) == ("run_interrupted", "error")
    assert "0 of 2 trials are finished" in last["message"]
