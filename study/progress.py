"""What a person sees while a study runs: one live line on a terminal, else a line now and then."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from storage.states import FINISHED
from study.output import silence

if TYPE_CHECKING:
    from storage.states import State

PLAIN_SECONDS = 15.0
"""Between plain lines when no trial ends."""
LIVE_SECONDS = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """Counts trials of a study and says how far it is."""

    def __init__(
        self, stream: TextIO, total: int, epochs: int, best: Mapping[str, float] | None = None
    ) -> None:
        """Begin.

        Args:
            stream: a terminal or something else.
            total: finished trials to be reached.
            epochs: of a trial.
            best: highest value of each arm so far.
        """
        self._stream = stream
        self._total = total
        self._epochs = epochs
        self._best = dict(best or {})
        self._done = 0
        self._failed = 0
        self._pruned = 0
        self._began_at: tuple[float, int] | None = None
        self._running: Sequence[tuple[str, int]] = ()
        self._is_live = stream.isatty()
        self._shown_at = -PLAIN_SECONDS
        self._last = ""

    def counted(self, counts: Mapping[State, int]) -> None:
        """Take the figures from the database; other processes work on the study too."""
        self._done = sum(counts.get(state, 0) for state in FINISHED)
        self._failed = counts.get("failed", 0)
        self._pruned = counts.get("pruned", 0)
        if self._began_at is None:
            self._began_at = (time.monotonic(), self._done)

    def finished(self, arm: str, value: float) -> None:
        """Count a trial that ran to its end."""
        self._best[arm] = max(value, self._best.get(arm, value))
        self._count()

    def pruned(self) -> None:
        """Count a trial that was pruned."""
        self._pruned += 1
        self._count()

    def failed(self) -> None:
        """Count a trial that failed for good."""
        self._failed += 1
        self._count()

    def show(self, running: Sequence[tuple[str, int]]) -> None:
        """Say how far the study is, unless that was said a moment ago.

        Args:
            running: arm and last epoch, -1 for none yet, of each trial in training.
        """
        self._running = running
        now = time.monotonic()
        if now - self._shown_at < (LIVE_SECONDS if self._is_live else PLAIN_SECONDS):
            return
        self._shown_at = now
        self._write(self.line())

    def close(self) -> None:
        """Say how far it came in all, and leave that standing."""
        self._running = ()
        if self._is_live or self.line() != self._last:
            self._write(self.line())
        if self._is_live:
            self._put("\n")

    def line(self) -> str:
        """Trials done and to do, what runs, the best of each arm, the time left."""
        ended = ((self._failed, "failed"), (self._pruned, "pruned"))
        early = ", ".join(f"{count} {how}" for count, how in ended if count)
        running = ", ".join(
            f"{arm} epoch {epoch + 1}/{self._epochs}" for arm, epoch in self._running
        )
        best = ", ".join(f"{arm} {value:.3f}" for arm, value in sorted(self._best.items()))
        parts = (
            f"{self._done}/{self._total} trials{f' ({early})' if early else ''}",
            running,
            best and f"best: {best}",
            self._time_left(),
        )
        return " | ".join(part for part in parts if part)

    def _write(self, line: str) -> None:
        self._last = line
        width = shutil.get_terminal_size().columns - 1
        self._put(_CLEAR + line[:width] if self._is_live else line + "\n")

    def _put(self, text: str) -> None:
        """Write; a terminal or pipe that is gone is no reason for a study to end."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            silence(self._stream)

    def _count(self) -> None:
        self._done += 1
        self._shown_at = -PLAIN_SECONDS

    def _time_left(self) -> str:
        """From how long the work since the start took, epochs of running trials included."""
        if self._began_at is None or self._done >= self._total:
            return ""
        began, done_then = self._began_at
        part = sum(min(epoch + 1, self._epochs) / self._epochs for _, epoch in self._running)
        worked = self._done + part - done_then
        if worked <= 0:
            return ""
        left = (self._total - self._done - part) * (time.monotonic() - began) / worked
        return f"about {duration(left)} left"


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes log records where the live line is, without mixing with it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record on a line of its own."""
        try:
            if self.stream.isatty():
                self.stream.write(_CLEAR)
        except OSError:
            silence(self.stream)
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Go on where the terminal or pipe is gone."""
        if isinstance(sys.exception(), OSError):
            silence(self.stream)
        else:
            super().handleError(record)


def duration(seconds: float) -> str:
    """A time in words, to two digits or so.

    >>> duration(50), duration(200), duration(9000)
    ('50 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
