"""Which trials learned nothing, and which learned too much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from model.config import LossConfig
from study.arms import BASELINE_ARM, declared_params, loss_config
from study.plan import Cell
from study.report.weights import (
    FoldValues,
    at_bound,
    is_collapsed,
    is_unmoved,
    moves,
    shares,
    starting_weights,
)

if TYPE_CHECKING:
    from storage.queries import EpochEnd, TrialRow


class Flags:
    """Says of each trial whether its weights stayed or collapsed."""

    def __init__(
        self, loss: LossConfig, rows: Sequence[TrialRow], ends: Sequence[EpochEnd]
    ) -> None:
        """Read the first and last epochs of all trials."""
        last = _last_epochs(ends)
        self._loss = loss
        self._last = last
        declared = declared_params(BASELINE_ARM, loss)
        self._baseline = {
            row.repeat: shares(last.get(row.trial_id, ()))
            for row in rows
            if row.state == "complete" and row.cell == Cell(BASELINE_ARM, declared, row.repeat).hash
        }

    def unmoved(self, row: TrialRow) -> bool:
        """Whether it learned and its weights stayed where they were."""
        return is_learned(row) and is_unmoved(self._start(row), self._ends(row))

    def at_clamp(self, row: TrialRow) -> bool:
        """Whether a learned scalar ended at its bound in some fold."""
        bounds = self._loss.auto_weight_clamp
        return is_learned(row) and any(at_bound(values, bounds) for values in self._ends(row))

    def collapsed(self, row: TrialRow) -> bool:
        """Whether it lost a weight, or one term took over."""
        if not is_learned(row):
            return False
        paired = self._baseline.get(row.repeat)
        return is_collapsed(self._start(row), self._ends(row), self._loss.auto_weight_clamp, paired)

    def moves(self, row: TrialRow) -> Mapping[str, tuple[float, float]] | None:
        """Weight of each term at the start and at the end, if it learned."""
        found = moves(self._start(row), self._ends(row)) if is_learned(row) else {}
        return {str(term): ends for term, ends in found.items()} or None

    def _start(self, row: TrialRow) -> Mapping[Any, float]:
        return starting_weights(loss_config(row.arm, row.params, self._loss))

    def _ends(self, row: TrialRow) -> Sequence[FoldValues]:
        return self._last.get(row.trial_id, ())


def is_learned(row: TrialRow) -> bool:
    """Whether it had weights to learn."""
    return "lr_multiplier" in row.params


def _last_epochs(ends: Sequence[EpochEnd]) -> dict[int | None, list[FoldValues]]:
    """Values of each trial's last epoch, fold by fold."""
    by_fold = {(end.trial_id, end.fold): end.values for end in ends}  # the last comes last
    last: dict[int | None, list[FoldValues]] = defaultdict(list)
    for (trial_id, _), values in by_fold.items():
        last[trial_id].append(values)
    return last
