"""The cells still to be trained, handed out job by job."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from storage.tables import FINISHED

if TYPE_CHECKING:
    from storage.rows import CellRef
    from storage.tables import State
    from study.trials import Trial, Trials

POLL_SECONDS = 2.0
"""Between looks for a free cell while other processes hold the last ones."""


class Supply:
    """Claims cells in the order of the plan, as many at a time as a job takes."""

    def __init__(self, trials: Trials, cells: Sequence[CellRef], stack: int) -> None:
        """Hand out `cells`, at most `stack` of them a job."""
        self._trials = trials
        self._cells = cells
        self.stack = stack
        self._claimed: deque[list[Trial]] = deque()
        self._look_at = 0.0

    def next_job(self) -> list[Trial]:
        """Trials of the next job; empty if no cell is free now."""
        if not self._claimed and time.monotonic() >= self._look_at:
            self._claimed.extend(_jobs(self._trials.claim(self._cells, self.stack)))
            if not self._claimed:
                self._look_at = time.monotonic() + POLL_SECONDS
        return self._claimed.popleft() if self._claimed else []

    def look_again(self) -> None:
        """Look for free cells at the next call: one may have become free."""
        self._look_at = 0.0

    def counts(self) -> dict[State, int]:
        """How many of the cells are running or finished, by state."""
        return self._trials.finished(self._cells)

    def is_exhausted(self) -> bool:
        """Whether every cell is finished."""
        counts = self.counts()
        return sum(counts.get(state, 0) for state in FINISHED) == len(self._cells)


def _jobs(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    """Those tried before each alone: which of a failed job was to blame is not known."""
    new = [trial for trial in trials if trial.claim.attempt == 1]
    if new:
        yield new
    yield from ([trial] for trial in trials if trial.claim.attempt > 1)
