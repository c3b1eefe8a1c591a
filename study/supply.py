"""The cells still to be trained, stage by stage and job by job."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.rows import CellRef
    from storage.states import State
    from study.trial import Trial
    from study.trials import Trials

POLL_SECONDS = 2.0
"""Between looks for a free cell while other processes hold the last ones."""


class Supply:
    """Claims cells in the order of the plan, as many at a time as a job takes.

    It keeps track of what is finished, so that no step takes the longer the more
    cells there are: of what this process finishes it is told, and what others
    finish it looks up when their number says that there is something new.
    """

    def __init__(
        self,
        trials: Trials,
        cells: Sequence[CellRef],
        later: Callable[[], Sequence[CellRef]] = tuple,
    ) -> None:
        """Hand out `cells`, and when all are finished what comes after them.

        Args:
            trials: where cells are claimed.
            cells: the first stage.
            later: all cells that are to be finished as far as results tell by now; asked
                after each stage. No new ones mean that there is no other stage.
        """
        self._trials = trials
        self._later = later
        self._cells = {cell.hash for cell in cells}
        """Those of all stages so far."""
        self.is_last_stage = False
        self._of_stage = 0
        self._open = {cell.hash: cell for cell in cells}
        """Cells not known to be finished, in the order of the plan."""
        self._counts: Counter[State] = Counter()
        """Cells known to be finished."""
        self._known = 0
        """Cells of the study known to be finished, those of another plan included."""
        self._waiting: deque[Trial] = deque()
        """Claimed, and with no worker; those to be tried alone last."""
        self._look_at = 0.0
        self.look_up()
        self._of_stage = len(self._open)

    def go_on(self) -> bool:
        """Take up the next stage if this one is finished; whether there are new cells.

        Raises:
            StorageError: results cannot be read.
        """
        if self._open or self.is_last_stage:
            return False
        new = [cell for cell in self._later() if cell.hash not in self._cells]
        self.is_last_stage = not new
        self._cells.update(cell.hash for cell in new)
        self._open = {cell.hash: cell for cell in new}
        self._known = -1
        self.look_up()
        self._of_stage = len(self._open)
        self.look_again()
        return bool(new)

    def total(self) -> int:
        """Cells of all stages so far."""
        return len(self._cells)

    def of_stage(self) -> int:
        """Cells that were to be trained when this stage began."""
        return self._of_stage

    def next_job(self, stack: int) -> list[Trial]:
        """Trials of the next job, at most `stack`; empty if no cell is free now."""
        if not self._waiting and time.monotonic() >= self._look_at:
            claimed = self._trials.claim(self._open.values(), stack)
            self._waiting.extend(sorted(claimed, key=_is_alone))
            if not claimed:
                self._look_at = time.monotonic() + POLL_SECONDS
                self.look_up()
        new = [trial for trial in islice(self._waiting, stack) if not _is_alone(trial)]
        job = new or list(islice(self._waiting, 1))
        for _ in job:
            self._waiting.popleft()
        return job

    def give_back(self, trials: Iterable[Trial]) -> None:
        """Have trials that no worker could take handed out before any other."""
        self._waiting.extendleft(reversed([*trials]))

    def look_again(self) -> None:
        """Look for free cells at the next call: one may have become free."""
        self._look_at = 0.0

    def look_up(self) -> None:
        """Find out what other processes have finished."""
        if self._trials.count_finished() == self._known:
            return
        finished = self._trials.finished()
        self._known = len(finished)
        for cell in self._open.keys() & finished.keys():
            self._close(cell, finished[cell])

    def finished(self, cell: CellRef, state: State) -> None:
        """Note that this process has finished a cell."""
        self._known += 1
        if cell.hash in self._open:
            self._close(cell.hash, state)

    def left(self) -> int:
        """How many cells are not known to be finished."""
        return len(self._open)

    def unclaimed(self) -> int:
        """How many cells no worker of this process has got yet, nor finished."""
        return len(self._open) - self._trials.count_held() + len(self._waiting)

    def counts(self) -> dict[State, int]:
        """How many of the cells are finished, by state, as far as is known."""
        return dict(self._counts)

    def _close(self, cell: str, state: State) -> None:
        del self._open[cell]
        self._counts[state] += 1


def _is_alone(trial: Trial) -> bool:
    """Whether it was tried before: which trial of a failed job was to blame is not known."""
    return trial.claim.attempt > 1
