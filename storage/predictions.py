"""Out-of-fold predictions as reports read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.engine import reading, retried
from storage.packing import unpack_ids
from storage.tables import OofPrediction, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class OofRow:
    """Out-of-fold predictions of one fold of a trial."""

    trial_id: int
    fold: int
    predicted: bytes
    """uint8 fine ids: `np.frombuffer(row.predicted, np.uint8)`."""
    packed_ids: bytes

    @cached_property
    def sequence_ids(self) -> tuple[str, ...]:
        """Ids of the predicted sequences, unpacked when first asked for."""
        return unpack_ids(self.packed_ids)


@retried
def oof_rows(
    engine: Engine, study_id: int, trial_ids: Collection[int] | None = None
) -> list[OofRow]:
    """Out-of-fold predictions, by trial and fold; of all complete trials or those named."""
    query = (
        select(
            OofPrediction.trial_id,
            OofPrediction.fold,
            OofPrediction.predicted,
            OofPrediction.sequence_ids,
        )
        .join(TrialRun, TrialRun.trial_id == OofPrediction.trial_id)
        .where(TrialRun.study_id == study_id)
        .order_by(OofPrediction.trial_id, OofPrediction.fold)
    )
    if trial_ids is not None:
        query = query.where(OofPrediction.trial_id.in_(trial_ids))
    with reading(engine) as session:
        return [OofRow(*row) for row in session.execute(query)]
