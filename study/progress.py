"""What a person sees while a study runs: one live line on a terminal, else a line now and then."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from storage.states import FINISHED
from study.logs import CLEAR, about
from study.output import silence

if TYPE_CHECKING:
    from storage.states import State

log = logging.getLogger(__name__)

PLAIN_SECONDS = 15.0
"""Between plain lines when no trial ends."""
LIVE_SECONDS = 0.2


class Progress:
    """Counts trials of a study and says how far it is."""

    def __init__(
        self,
        stream: TextIO,
        total: int,
        epochs: int,
        best: Mapping[str, float] | None = None,
        *,
        as_events: bool = False,
    ) -> None:
        """Begin.

        Args:
            stream: a terminal or something else.
            total: finished trials to be reached.
            epochs: of a trial.
            best: highest value of each arm so far.
            as_events: say it by the log, whose lines are for programs.
        """
        self._as_events = as_events
        self._stream = stream
        self._total = total
        self._epochs = epochs
        self._best = dict(best or {})
        self._done = 0
        self._failed = 0
        self._pruned = 0
        self._began_at: tuple[float, int] | None = None
        self._running: Sequence[tuple[str, int]] = ()
        self._is_live = stream.isatty() and not as_events
        self._shown_at = -PLAIN_SECONDS
        self._last = ""

    def counted(self, counts: Mapping[State, int]) -> None:
        """Take the figures from the database; other processes work on the study too."""
        self._done = sum(counts.get(state, 0) for state in FINISHED)
        self._failed = counts.get("failed", 0)
        self._pruned = counts.get("pruned", 0)
        if self._began_at is None:
            self._began_at = (time.monotonic(), self._done)

    def expect(self, total: int) -> None:
        """Take it that there is more to reach than was known."""
        self._total = total

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
        if self._as_events:
            log.info("%s", line, extra=about(event="progress", **self._figures()))
            return
        width = shutil.get_terminal_size().columns - 1
        self._put(CLEAR + line[:width] if self._is_live else line + "\n")

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

    def _figures(self) -> dict[str, object]:
        """What the line says, for programs."""
        return {
            "finished": self._done,
            "total": self._total,
            "failed": self._failed,
            "pruned": self._pruned,
            "running": [
                {"arm": arm, "epoch": epoch + 1, "epochs": self._epochs}
                for arm, epoch in self._running
            ],
            "best": self._best,
            "seconds_left": self._seconds_left(),
        }

    def _time_left(self) -> str:
        left = self._seconds_left()
        return "" if left is None else f"about {duration(left)} left"

    def _seconds_left(self) -> float | None:
        """From how long the work since the start took, epochs of running trials included."""
        if self._began_at is None or self._done >= self._total:
            return None
        began, done_then = self._began_at
        part = sum(min(epoch + 1, self._epochs) / self._epochs for _, epoch in self._running)
        worked = self._done + part - done_then
        if worked <= 0:
            return None
        return (self._total - self._done - part) * (time.monotonic() - began) / worked


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
