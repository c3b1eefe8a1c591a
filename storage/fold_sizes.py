"""How many sequences tested each fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.engine import reading, retried
from storage.tables import OofPrediction, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


@retried
def fold_sizes(engine: Engine, study_id: int) -> dict[tuple[int, int], int]:
    """Test sequences by (trial, fold), of complete trials: one byte was predicted for each."""
    query = (
        select(OofPrediction.trial_id, OofPrediction.fold, func.length(OofPrediction.predicted))
        .join(TrialRun, TrialRun.trial_id == OofPrediction.trial_id)
        .where(TrialRun.study_id == study_id)
    )
    with reading(engine) as session:
        return {(trial, fold): size for trial, fold, size in session.execute(query)}
