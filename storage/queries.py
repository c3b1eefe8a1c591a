"""What reports read. Plain rows; nothing here returns an object tied to a session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVarTuple

from sqlalchemy import func, or_, select

from storage import predictions, recovery, studies
from storage.engine import reading, retried
from storage.tables import EPOCH_VALUES, EpochMetric, FoldScore, TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row, Select

Columns = TypeVarTuple("Columns")

study_by_name = studies.by_name
silent_runs = recovery.silent_runs
OofRow = predictions.OofRow
oof_rows = predictions.oof_rows


@dataclass(frozen=True)
class TrialRow:
    """One attempt at a cell. Times are seconds since 1970-01-01 UTC."""

    run_id: int
    trial_id: int | None
    number: int | None
    cell: str
    arm: str
    repeat: int
    params: Mapping[str, Any]
    state: str
    attempt: int
    cause: str | None
    reason: str | None
    host: str
    worker: str | None
    device: str | None
    device_seconds: float | None
    value: float | None
    started: float
    ended: float | None
    code_hash: str
    data_hash: str
    """Names the `storage.truth` that its predictions are scored against."""
    config_hash: str


@dataclass(frozen=True)
class FoldScoreRow:
    """Scores of one fold of a trial after its last epoch."""

    trial_id: int
    fold: int
    score: float | None
    binary_f1: float | None
    macro_f1: float | None
    best_epoch: int | None
    best_score: float | None


@dataclass(frozen=True)
class EpochEnd:
    """A fold's first or last epoch: what tells unmoved and collapsed weights."""

    trial_id: int
    fold: int
    epoch: int
    values: Mapping[str, float | None]
    """Every numeric column of `epoch_metric` by name."""


def trial_rows(engine: Engine, study_id: int) -> list[TrialRow]:
    """All attempts of a study, oldest first, running and released ones included."""
    query = (
        select(
            TrialRun.id,
            TrialRun.trial_id,
            TrialRun.number,
            TrialRun.cell,
            TrialRun.arm,
            TrialRun.repeat,
            TrialRun.params,
            TrialRun.state,
            TrialRun.attempt,
            TrialRun.cause,
            TrialRun.reason,
            TrialRun.host,
            TrialRun.worker,
            TrialRun.device,
            TrialRun.device_seconds,
            TrialRun.value,
            TrialRun.started,
            TrialRun.ended,
            TrialRun.code_hash,
            TrialRun.data_hash,
            TrialRun.config_hash,
        )
        .where(TrialRun.study_id == study_id)
        .order_by(TrialRun.id)
    )
    return [TrialRow(*row) for row in _all(engine, query)]


@retried
def log_tail(engine: Engine, run_id: int) -> str | None:
    """End of the worker's log of a failed run."""
    with reading(engine) as session:
        return session.scalar(select(TrialRun.log_tail).where(TrialRun.id == run_id))


def fold_rows(engine: Engine, study_id: int) -> list[FoldScoreRow]:
    """Fold scores of a study's complete trials, by trial and fold."""
    query = (
        select(
            FoldScore.trial_id,
            FoldScore.fold,
            FoldScore.score,
            FoldScore.binary_f1,
            FoldScore.macro_f1,
            FoldScore.best_epoch,
            FoldScore.best_score,
        )
        .join(TrialRun, TrialRun.trial_id == FoldScore.trial_id)
        .where(TrialRun.study_id == study_id)
        .order_by(FoldScore.trial_id, FoldScore.fold)
    )
    return [FoldScoreRow(*row) for row in _all(engine, query)]


def epoch_rows(
    engine: Engine,
    study_id: int,
    columns: Sequence[str] = EPOCH_VALUES,
    trial_ids: Collection[int] | None = None,
) -> list[tuple[Any, ...]]:
    """Histories as (trial_id, fold, epoch, *columns), in that order; all trials or those named."""
    chosen = [EpochMetric.__table__.c[name] for name in columns]
    query = (
        select(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.epoch, *chosen)
        .join(TrialRun, TrialRun.trial_id == EpochMetric.trial_id)
        .where(TrialRun.study_id == study_id)
        .order_by(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.epoch)
    )
    if trial_ids is not None:
        query = query.where(EpochMetric.trial_id.in_(trial_ids))
    return [tuple(row) for row in _all(engine, query)]


def first_last_weights(engine: Engine, study_id: int) -> list[EpochEnd]:
    """First and last epoch of every fold of the study's trials, by trial, fold and epoch."""
    ends = (
        select(
            EpochMetric.trial_id,
            EpochMetric.fold,
            func.min(EpochMetric.epoch).label("first"),
            func.max(EpochMetric.epoch).label("last"),
        )
        .join(TrialRun, TrialRun.trial_id == EpochMetric.trial_id)
        .where(TrialRun.study_id == study_id)
        .group_by(EpochMetric.trial_id, EpochMetric.fold)
        .subquery()
    )
    chosen = [EpochMetric.__table__.c[name] for name in EPOCH_VALUES]
    query = (
        select(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.epoch, *chosen)
        .join(
            ends,
            (ends.c.trial_id == EpochMetric.trial_id) & (ends.c.fold == EpochMetric.fold),
        )
        .where(or_(EpochMetric.epoch == ends.c.first, EpochMetric.epoch == ends.c.last))
        .order_by(EpochMetric.trial_id, EpochMetric.fold, EpochMetric.epoch)
    )
    return [
        EpochEnd(trial_id, fold, epoch, dict(zip(EPOCH_VALUES, values, strict=True)))
        for trial_id, fold, epoch, *values in _all(engine, query)
    ]


def state_counts(engine: Engine, study_id: int) -> dict[str, int]:
    """Attempts by state."""
    query = (
        select(TrialRun.state, func.count().label("tries"))
        .where(TrialRun.study_id == study_id)
        .group_by(TrialRun.state)
    )
    return {row.state: row.tries for row in _all(engine, query)}


def cause_counts(engine: Engine, study_id: int) -> dict[tuple[str, str], int]:
    """Attempts that ended without a result, by (state, cause)."""
    query = (
        select(TrialRun.state, TrialRun.cause, func.count())
        .where(TrialRun.study_id == study_id, TrialRun.cause.is_not(None))
        .group_by(TrialRun.state, TrialRun.cause)
    )
    return {(state, str(cause)): count for state, cause, count in _all(engine, query)}


@retried
def _all(engine: Engine, query: Select[*Columns]) -> Sequence[Row[*Columns]]:
    with reading(engine) as session:
        return session.execute(query).all()
