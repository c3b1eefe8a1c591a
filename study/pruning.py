"""Says which trials go no further: those that lag behind in their own arm.

A trial is judged once, when a share of its epochs is done, by the mean over
folds of its score in that epoch. It is ranked among the cells of its arm that
come before it in the plan, as far as they got that far. Cells after it and other
arms have no say, so a decision does not depend on how many trials are asked for
or how large the stacks are. Never judged are the declared cells, the baseline
among them, and repeats that confirm a result.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from study.arms import declared_params
from study.plan import Cell

if TYPE_CHECKING:
    from storage.rows import CellRef
    from study.config import StudyConfig
    from study.trial import Trial

Recorded = Callable[[Collection[str], int], Mapping[str, Sequence[float]]]
"""Scores [K] in an epoch, by cell, of those of the cells named that got that far."""


def lags(score: float, others: Collection[float], quantile: float) -> bool:
    """Whether a score is among the lowest `quantile` of itself and the others, rounded down.

    Ranks alone decide, and of n scores that come in random order the last is out
    with probability floor(quantile n) / n, whatever they are distributed like. Equal
    scores go on together.
    """
    count = len(others) + 1
    kept = count - math.floor(quantile * count)
    return sum(other > score for other in others) >= kept


def judged_cells(config: StudyConfig, cells: Iterable[CellRef]) -> dict[str, list[str]]:
    """Hashes of the cells that may be pruned, by arm, in the order of the plan."""
    declared = {Cell(arm, declared_params(arm, config.loss)).hash for arm in config.arms}
    found: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        if cell.repeat == 0 and cell.hash not in declared:
            found[cell.arm].append(cell.hash)
    return dict(found)


class Pruner:
    """Judges the trials of one study as one process runs them."""

    def __init__(self, config: StudyConfig, cells: Sequence[CellRef], recorded: Recorded) -> None:
        """Prepare to judge, or to let everything pass if the study has no pruner.

        Args:
            config: of the study.
            cells: those that are to be run, in the order of the plan.
            recorded: what the database holds of cells that other processes train or have trained.
        """
        self._settings = config.pruning
        self._epoch = config.pruning.epochs_before(config.training.epochs) - 1
        self._recorded = recorded
        self._of_arm = {} if config.pruning.pruner == "none" else judged_cells(config, cells)
        self._place = {
            cell: place for order in self._of_arm.values() for place, cell in enumerate(order)
        }
        self._scores: dict[str, float] = {}

    def due(self, trials: Iterable[Trial]) -> list[Trial]:
        """Those to be judged now, by the score they have now.

        Args:
            trials: all live trials of a job, after each of its epochs.
        """
        due = [t for t in trials if t.epoch == self._epoch and t.cell.hash in self._place]
        self._scores.update((trial.cell.hash, trial.value) for trial in due)
        return due

    def drops(self, due: Sequence[Trial]) -> frozenset[str]:
        """Keys of the trials that go no further, of those that are due or were.

        Raises:
            StorageError: the database cannot be asked for the others' scores.
        """
        self._look_up({cell for trial in due for cell in self._before(trial)})
        return frozenset(trial.key for trial in due if self._lags(trial))

    def _before(self, trial: Trial) -> Sequence[str]:
        """Cells that the trial may be ranked among."""
        cell = trial.cell
        return self._of_arm[cell.arm][: self._place[cell.hash]]

    def _look_up(self, cells: set[str]) -> None:
        """Ask for scores of cells this process has not trained."""
        unknown = cells - self._scores.keys()
        if unknown:
            found = self._recorded(unknown, self._epoch)
            self._scores.update((cell, float(np.mean(folds))) for cell, folds in found.items())

    def _lags(self, trial: Trial) -> bool:
        known = [self._scores[cell] for cell in self._before(trial) if cell in self._scores]
        others = [score for score in known if math.isfinite(score)]
        if len(others) < self._settings.min_trials:
            return False
        return lags(self._scores[trial.cell.hash], others, self._settings.quantile)
