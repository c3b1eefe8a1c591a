"""Scores of cells while they train, for whoever is to say which go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.engine import reading, retried
from storage.states import HELD
from storage.tables import EpochMetric, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


@retried
def epoch_scores(
    engine: Engine, study_id: int, cells: Collection[str], epoch: int
) -> dict[str, list[float]]:
    """Scores of the folds in an epoch, by cell, of those of the cells that got that far.

    Attempts that came to nothing do not count, nor do cells with a fold without score.
    """
    query = (
        select(TrialRun.cell, EpochMetric.score)
        .join(EpochMetric, EpochMetric.trial_id == TrialRun.trial_id)
        .where(
            TrialRun.study_id == study_id,
            TrialRun.state.in_(HELD),
            TrialRun.cell.in_(cells),
            EpochMetric.epoch == epoch,
        )
        .order_by(TrialRun.cell, EpochMetric.fold)
    )
    found: dict[str, list[float | None]] = defaultdict(list)
    with reading(engine) as session:
        for cell, score in session.execute(query):
            found[cell].append(score)
    return {
        cell: [score for score in scores if score is not None]
        for cell, scores in found.items()
        if None not in scores
    }
