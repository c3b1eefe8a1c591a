"""What a study knows: its finished cells, and what is written down before any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING

from storage import queries, studies
from storage.fold_sizes import fold_sizes
from storage.rows import CellRef
from storage.states import FINISHED
from storage.truth import record_truth
from study.stopping import of_json, require_same

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.queries import FoldScoreRow, TrialRow
    from study.plan import Cell
    from study.stages import Stages
    from study.worker.messages import Ready


@dataclass(frozen=True)
class Known:
    """A finished cell."""

    state: str
    value: float | None = None
    """Mean score over its folds."""
    folds: tuple[float, ...] = ()
    """Score of each fold."""
    sizes: tuple[int, ...] = ()
    """Test sequences of each fold."""
    seconds: float | None = None
    """Device-seconds it took."""

    @property
    def is_complete(self) -> bool:
        """Whether it ran to its end and has a score."""
        return self.state == "complete" and self.value is not None


Results = Mapping[str, Known]
"""Finished cells by hash."""


def known_cells(
    trials: Iterable[TrialRow],
    folds: Iterable[FoldScoreRow],
    sizes: Mapping[tuple[int, int], int],
) -> dict[str, Known]:
    """Results from rows of the database.

    Args:
        trials: attempts; those not finished are left out.
        folds: scores, by trial and fold.
        sizes: test sequences by (trial, fold).
    """
    scores: dict[int, list[FoldScoreRow]] = {}
    for row in folds:
        scores.setdefault(row.trial_id, []).append(row)
    found = {}
    for trial in trials:
        if trial.state in FINISHED:
            of_trial = scores.get(trial.trial_id or -1, [])
            found[trial.cell] = Known(
                trial.state,
                trial.value,
                tuple(f.score for f in of_trial if f.score is not None),
                tuple(sizes.get((f.trial_id, f.fold), 0) for f in of_trial),
                trial.device_seconds,
            )
    return found


def sd_of_differences(search: Sequence[Cell], results: Results) -> float | None:
    """SD over folds of the differences between the first cell and each other, pooled."""
    first, *others = [results[c.hash].folds for c in search if c.hash in results] or [()]
    pairs = [(other, first) for other in others if len(other) == len(first) > 1]
    if not pairs:
        return None
    variances = [variance(a - b for a, b in zip(*pair, strict=True)) for pair in pairs]
    return fmean(variances) ** 0.5 or None


def read_results(engine: Engine, study_id: int) -> dict[str, Known]:
    """Finished cells of a study by hash."""
    return known_cells(
        queries.trial_rows(engine, study_id),
        queries.fold_rows(engine, study_id),
        fold_sizes(engine, study_id),
    )


def refs(cells: Sequence[Cell]) -> list[CellRef]:
    """Cells as the storage names them."""
    return [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in cells]


def write_down(engine: Engine, study_id: int, stages: Stages, ready: Ready) -> None:
    """Write down what must be known before any result: labels, and when confirmation stops.

    Raises:
        UsageError: its confirmation began with another way to stop.
    """
    if ready.truth is not None:
        record_truth(engine, study_id, ready.data_hash, ready.truth)
    asked = stages.stopping
    if asked is not None:
        stored = of_json(studies.fix_stopping(engine, study_id, asked.as_json()))
        require_same(stored or asked, asked)


def cells_by_now(engine: Engine, study_id: int, stages: Stages) -> list[CellRef]:
    """All cells that the results so far ask for."""
    return refs(stages.cells(read_results(engine, study_id)))
