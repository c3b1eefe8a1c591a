"""What schemes log beyond the columns of `epoch_metric`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from storage.engine import reading, retried
from storage.tables import EpochMetric, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


@retried
def last_extras(
    engine: Engine, study_id: int, trial_ids: Collection[int]
) -> list[tuple[int, dict[str, Any]]]:
    """(trial, values by name) of the last epoch with any, of every fold of the trials named."""
    query = (
        select(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.extra)
        .join(TrialRun, TrialRun.trial_id == EpochMetric.trial_id)
        .where(
            TrialRun.study_id == study_id,
            EpochMetric.trial_id.in_(trial_ids),
            EpochMetric.extra.is_not(None),
        )
        .order_by(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.epoch)
    )
    with reading(engine) as session:
        last = {(trial, fold): (trial, extra) for trial, fold, extra in session.execute(query)}
    return list(last.values())
