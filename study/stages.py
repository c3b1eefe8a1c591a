"""What is to be trained, stage by stage: the search, then fresh repeats of the best cells.

The cells of a stage depend on the results of those before it and on nothing
else, so several processes, or one that starts again, come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from study.arms import BASELINE_ARM, declared_params
from study.plan import Cell, plan
from study.stopping import Stopping, of_options

if TYPE_CHECKING:
    from study.config import RunOptions, StudyConfig
    from study.known import Known, Results
    from study.verdict.racing import Race


class Stages:
    """All that one command asks for."""

    def __init__(self, config: StudyConfig, options: RunOptions) -> None:
        """Plan the search."""
        self._config = config
        self._reruns = options.reruns
        self.stopping: Stopping | None = of_options(config, options)
        self.search: tuple[Cell, ...] = plan(config)[: options.n_trials]
        self.in_plan = len(plan(config))
        """Cells that a search could have."""

    @property
    def most_later(self) -> int:
        """Most cells that may come after the search."""
        if self.stopping is None:
            return 0
        finalists = len(self._config.arms) + (BASELINE_ARM in self._config.arms)
        return finalists * (self.stopping.most + self._reruns)

    def cells(self, results: Results) -> tuple[Cell, ...]:
        """All cells that can be named by now, those finished included, in the order to run."""
        stopping = self.stopping
        if stopping is None:
            return self.search
        if BASELINE_ARM in self._config.arms:
            early = [replace(self._baseline(), repeat=r) for r in _first(stopping.first)]
        else:
            early = []
        if any(cell.hash not in results for cell in self.search):
            return _each_once([*self.search, *early])
        best = best_of_arms(self.search, results)
        finalists = list(dict.fromkeys([*([self._baseline()] if early else []), *best.values()]))
        later = _repeated(finalists, [*_first(stopping.first), *self._repeats_of_splits()])
        known = _each_once([*self.search, *later])
        if not stopping.races or any(cell.hash not in results for cell in known):
            return known
        return _each_once([*known, *self._of_race(best, results, stopping)])

    def _baseline(self) -> Cell:
        return Cell(BASELINE_ARM, declared_params(BASELINE_ARM, self._config.loss))

    def _repeats_of_splits(self) -> Iterator[int]:
        """Numbers of repeats that have a split of the confirmation and seeds of their own."""
        from model.data.folds import SPLITS

        assert self.stopping is not None
        splits = self.stopping.first
        for i in range(self._reruns):
            yield SPLITS * (1 + i // splits) + 1 + i % splits

    def _of_race(
        self, best: Mapping[str, Cell], results: Results, stopping: Stopping
    ) -> Iterator[Cell]:
        """All that the race has asked for so far, what is finished included."""
        against = best.get(BASELINE_ARM)
        learned = {arm: cell for arm, cell in best.items() if arm in PRIMARY_ARMS}
        if against is None or not learned:
            return
        runners = race_of(against, learned, results, stopping).runners
        for repeat in _first(max(runner.wanted for runner in runners.values())):
            racing = [learned[arm] for arm, runner in runners.items() if repeat <= runner.wanted]
            yield from (replace(cell, repeat=repeat) for cell in (against, *racing))


PRIMARY_ARMS = ("uncertainty", "direct", "direct_anchored")
"""Arms whose contrasts with the fixed one answer the question a study puts."""


def race_of(
    against: Cell, learned: Mapping[str, Cell], results: Results, stopping: Stopping
) -> Race:
    """Replay the race of learned arms against the fixed one.

    Args:
        against: the cell of the fixed arm.
        learned: the cell of each other arm.
        results: of finished cells; those of `against` name the sizes of the folds.
        stopping: the rule.
    """
    import numpy as np

    from study.verdict.racing import Differences, race

    def differences(cell: Cell) -> Differences:
        found = {}
        for repeat in _first(stopping.most):
            pair = [results.get(replace(c, repeat=repeat).hash) for c in (cell, against)]
            if all(known is not None for known in pair):
                ours, theirs = (np.array(known.folds) for known in pair if known is not None)
                usable = len(ours) == len(theirs) > 0
                found[repeat] = ours - theirs if usable else None
        return found

    first = [results.get(replace(against, repeat=r).hash) for r in _first(stopping.first)]
    ratio = _test_train([known for known in first if known is not None and known.is_complete])
    return race(
        {arm: differences(cell) for arm, cell in learned.items()}, stopping.race_rule(), ratio
    )


def _test_train(repeats: Sequence[Known]) -> float:
    """Mean of n_test/n_train; that of equal folds where sizes are not known.

    Nothing is tested if no repeat is complete, and the ratio does not matter.
    """
    from study.verdict.correlated import test_train_ratio

    folds = max([2, *(len(known.folds) for known in repeats)])
    sizes = [known.sizes for known in repeats if known.sizes and all(known.sizes)]
    return fmean([test_train_ratio(s, sum(s)) for s in sizes or [(1,) * folds]])


def best_of_arms(search: Sequence[Cell], results: Results) -> dict[str, Cell]:
    """The cell of each arm with the highest score; of equals the one that comes first."""
    best: dict[str, tuple[float, Cell]] = {}
    for cell in search:
        known = results[cell.hash]
        if known.is_complete and known.value is not None:
            value = known.value
            if cell.arm not in best or value > best[cell.arm][0]:
                best[cell.arm] = (value, cell)
    return {arm: cell for arm, (_, cell) in best.items()}


def _first(repeats: int) -> range:
    return range(1, repeats + 1)


def _repeated(cells: Sequence[Cell], repeats: Iterable[int]) -> Iterator[Cell]:
    """Every cell on one repeat after the other: a stack shares the folds of its repeat."""
    return (replace(cell, repeat=repeat) for repeat in repeats for cell in cells)


def _each_once(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    return tuple(dict.fromkeys(cells))
