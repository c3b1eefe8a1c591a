"""What a run logs: one line an event, for people or for programs.

An event carries what it is about beside its message:

    log.warning("trial %d failed", 3, extra=about(event="trial_failed", trial=3, cell=cell.hash))

Both formatters name the study on every line, mask the passwords of URLs, and
let nothing that is logged begin a line of its own: names and labels come from
users, reasons from whatever raised.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

from storage.url import masked
from study.output import silence

log = logging.getLogger(__name__)

LogFormat = Literal["text", "json"]

OWN = ("study", "storage", "model")
"""Loggers of this project; of others no less than warnings is logged."""
IN_TEXT = ("study", "trial", "cell", "worker")
"""Fields that a text line shows; the message says the rest."""
CELL_DIGITS = 8
"""Of a cell's hash, on a text line."""

CLEAR = "\r\x1b[K"
"""Takes a terminal's line away."""

_ABOUT = "about"
_NEED_QUOTES = frozenset(' "=[]')


def about(*, event: str, **fields: object) -> dict[str, object]:
    """What an event is about, as `extra` of a logging call.

    Args:
        event: what kind of event it is, e.g. "trial_failed": a name that stays.
        fields: trial, cell, arm, worker, cause and the like; those that are None are left out.
    """
    return {_ABOUT: {"event": event} | {k: v for k, v in fields.items() if v is not None}}


def escaped(text: str) -> str:
    """The text on one line: what is not printable as Python escapes it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class TextFormatter(logging.Formatter):
    """A line to read: time, level, logger, message, and in brackets what it is about."""

    def __init__(self, study: str) -> None:
        super().__init__()
        self._study = study

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line; a traceback follows, indented."""
        when, name = self.formatTime(record), escaped(record.name)
        line = f"{when} {record.levelname} {name}: {escaped(masked(_message(record)))}"
        fields = {"study": self._study} | _fields(record)
        if "cell" in fields:
            fields["cell"] = str(fields["cell"])[:CELL_DIGITS]
        shown = " ".join(f"{name}={_value(fields[name])}" for name in IN_TEXT if name in fields)
        raised = _traceback(self, record) or ""
        return "\n  ".join([f"{line} [{shown}]", *map(escaped, raised.splitlines())])


class JsonFormatter(logging.Formatter):
    """A JSON object a line, in ASCII. What is not a finite number is null."""

    def __init__(self, study: str) -> None:
        super().__init__()
        self._study = study

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line: what every event has, then what this one is about."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": None,
            "message": _message(record),
            "study": self._study,
        }
        line |= _fields(record)
        raised = _traceback(self, record)
        line |= {} if raised is None else {"exception": raised}
        return json.dumps(_plain(line), allow_nan=False)


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes log lines where the live line of `study.progress` is, without mixing with it."""

    def __init__(self, stream: TextIO, *, clears: bool = True) -> None:
        """Write to a stream. `clears`: whether there may be a live line to take away."""
        super().__init__(stream)
        self._clears = clears

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record on a line of its own."""
        try:
            if self._clears and self.stream.isatty():
                self.stream.write(CLEAR)
        except OSError:
            silence(self.stream)
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Go on where the terminal or pipe is gone."""
        if isinstance(sys.exception(), OSError):
            silence(self.stream)
        else:
            super().handleError(record)


def log_to(stream: TextIO, study: str, log_format: LogFormat, level: str) -> None:
    """Have this process log.

    With "json" nothing but its lines reaches standard error: Python's warnings
    and what ends the process unexpectedly are logged too.

    Args:
        stream: where to.
        study: whose name is on every line.
        log_format: text or json.
        level: least that is logged: debug, info, warning or error.
    """
    is_json = log_format == "json"
    handler = LogHandler(stream, clears=not is_json)
    handler.setFormatter(JsonFormatter(study) if is_json else TextFormatter(study))
    logging.basicConfig(handlers=[handler])
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(logging.WARNING, least))
    for name in OWN:
        logging.getLogger(name).setLevel(least)
    if is_json:
        logging.captureWarnings(capture=True)
        sys.excepthook = _log_crash


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical(
        "the command has ended: %s",
        error,
        exc_info=(kind, error, trace),
        extra=about(event="crash"),
    )


def _fields(record: logging.LogRecord) -> dict[str, object]:
    found = getattr(record, _ABOUT, None)
    return dict(found) if isinstance(found, Mapping) else {}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library whose arguments do not fit its message
        return f"{record.msg} {record.args!r}"


def _traceback(by: logging.Formatter, record: logging.LogRecord) -> str | None:
    if record.exc_info is None or record.exc_info[0] is None:
        return None
    return masked(by.formatException(record.exc_info))


def _value(value: object) -> str:
    """A field's value, in quotes where it could be taken for something else."""
    text = masked(str(value))
    if text and text.isprintable() and _NEED_QUOTES.isdisjoint(text):
        return text
    return escaped(json.dumps(text, ensure_ascii=False))


def _plain(value: object) -> object:
    """A value as JSON has it, its texts masked and in UTF-8."""
    match value:
        case None | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_text(key): _plain(below) for key, below in value.items()}
        case list() | tuple():
            return [_plain(below) for below in value]
        case _:
            return _text(value)


def _text(value: object) -> str:
    return masked(str(value)).encode(errors="backslashreplace").decode()
