"""Starts a run of a study: its workers first, so that what they import and what is imported
here are imported at the same time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.states import FINISHED, State
from study.stages import Stages
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
        stages = _stages(config, options)
        counts = finished_before(url, options.study_name, config, stages)
        if counts is not None:
            cells = sum(counts.values())
            log.info("nothing left to do: %d/%d trials are finished", cells, cells)
            return Ending(cells, counts)
        with StopSignal() as stop:
            first = first_ready(pool, stop)
            if first is None:
                return Ending(len(stages.search), {})
            return Ending(*run_cells(url, Order(config, options, stages), pool, first, stop))


def _stages(config: StudyConfig, options: RunOptions) -> Stages:
    """What is to be trained."""
    stages = Stages(config, options)
    if options.n_trials > stages.in_plan:
        log.warning(
            "--n-trials: asked for %d, the plan has %d cells: all of them",
            options.n_trials,
            stages.in_plan,
        )
    return stages
