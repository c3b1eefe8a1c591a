"""Starts a run of a study: its workers first, so that what they import and what is imported
here are imported at the same time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.rows import CellRef
from storage.states import FINISHED, State
from study.plan import plan
from study.stop import StopSignal
from study.worker.pool import Pool, Recipe, first_ready

if TYPE_CHECKING:
    from study.config import RunOptions, StudyConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a run of a study ended."""

    asked: int
    """Cells that were to be finished."""
    counts: Mapping[State, int]
    """How many of them are finished, by state; empty if it never came to that."""

    @property
    def finished(self) -> int:
        """Cells that are finished."""
        return sum(self.counts.get(state, 0) for state in FINISHED)

    @property
    def failed(self) -> int:
        """Cells that failed for good."""
        return self.counts.get("failed", 0)


def run_study(
    config: StudyConfig, options: RunOptions, storage: str | None, trainer: str
) -> Ending:
    """Run until the study holds as many finished trials as asked for, or told to stop.

    Where something is left to do, the first worker loads the data and finds the
    device before the database is touched, so that a fault in either leaves
    nothing behind.

    Args:
        config: of the study.
        options: of this run.
        storage: its URL; None for STUDY_STORAGE or the default.
        trainer: "module:function" that makes a worker's trainer of (config, device).

    Raises:
        WorkerError: data, device or memory will not do.
        MismatchError, UsageError: the study of this name is another.
        StorageError: the database cannot be used.
    """
    recipe = Recipe(trainer, config, options.device, options.workers, options.stack == "auto")
    with Pool(recipe) as pool:
        from storage.url import resolve_url
        from study.finished import finished_before
        from study.runner import Order, run_cells

        url = resolve_url(storage)
        cells = _cells(config, options)
        counts = finished_before(url, options.study_name, config, cells)
        if counts is not None:
            log.info("nothing left to do: %d/%d trials are finished", len(cells), len(cells))
            return Ending(len(cells), counts)
        with StopSignal() as stop:
            first = first_ready(pool, stop)
            if first is None:
                return Ending(len(cells), {})
            order = Order(config, options, cells)
            return Ending(len(cells), run_cells(url, order, pool, first, stop))


def _cells(config: StudyConfig, options: RunOptions) -> Sequence[CellRef]:
    """The cells that are to be finished: the first of the plan."""
    cells = [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in plan(config)]
    if options.n_trials > len(cells):
        log.warning(
            "--n-trials: asked for %d, the plan has %d cells: all of them",
            options.n_trials,
            len(cells),
        )
    return cells[: options.n_trials]
