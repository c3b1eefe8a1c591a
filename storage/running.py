"""How far running trials are, and when those who hold them were last heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.clock import EpochNow
from storage.engine import reading, retried
from storage.leases import LEASE_SECONDS
from storage.tables import EpochMetric, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Sign:
    """The last sign of life of a running trial."""

    heard: float
    """When its lease was renewed: seconds since 1970-01-01 UTC."""
    epochs: int
    """Epochs whose histories are written."""


@dataclass(frozen=True)
class Signs:
    """Those of a study, at one moment."""

    now: float
    """By the database's clock: seconds since 1970-01-01 UTC."""
    of_run: Mapping[int, Sign]


@retried
def signs_of_life(engine: Engine, study_id: int) -> Signs:
    """Look how far a study's running trials are."""
    last_epoch = (
        select(func.max(EpochMetric.epoch))
        .where(EpochMetric.trial_id == TrialRun.trial_id)
        .scalar_subquery()
    )
    query = select(TrialRun.id, TrialRun.lease_expires, last_epoch).where(
        TrialRun.study_id == study_id, TrialRun.state == "running"
    )
    with reading(engine) as session:
        now = session.scalar(select(EpochNow()))
        assert now is not None
        of_run = {
            run_id: Sign(lease - LEASE_SECONDS, 0 if epoch is None else epoch + 1)
            for run_id, lease, epoch in session.execute(query)
        }
    return Signs(now, of_run)
