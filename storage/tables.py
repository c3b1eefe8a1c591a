"""Tables beside Optuna's.

`trial_id` is Optuna's id of a trial, in every table: rows join on it, with
Optuna's own tables too. One `trial_run` is one attempt at a cell, hence one
Optuna trial. Times are seconds since 1970-01-01 UTC by the database's clock.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.states import STATES

HELD_SQL = "state IN ('running', 'complete', 'pruned', 'failed')"
"""HELD as the index of held cells says it; SQLite uses that index only for these very words."""

_BY_KEY = {"sqlite_with_rowid": False}
"""SQLite keeps the rows in their primary key: one B-tree to write instead of two."""


class FiniteFloat(TypeDecorator[float]):
    """Double precision; what is not finite is stored as NULL."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Map NaN and infinities to NULL."""
        return value if value is None or math.isfinite(value) else None


class Base(DeclarativeBase):
    """Base of the tables; names every constraint, so that migrations can."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {float: FiniteFloat, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 (read once by SQLAlchemy)


class StudyRecord(Base):
    """What a study is: everything that must match when it is resumed."""

    __tablename__ = "study_record"

    study_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Optuna's."""
    name: Mapped[str] = mapped_column(String(512), unique=True)
    created: Mapped[float]
    config: Mapped[dict[str, Any]]
    arms: Mapped[list[str]]
    seed: Mapped[int] = mapped_column(BigInteger)
    data_hash: Mapped[str] = mapped_column(String(64))
    config_hash: Mapped[str] = mapped_column(String(64))
    model_hash: Mapped[str] = mapped_column(String(64))
    environment: Mapped[dict[str, Any]]
    stopping: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Rule by which its confirmation stops; NULL while nothing is to be confirmed."""


class StudyTruth(Base):
    """What out-of-fold predictions on one data set are scored against."""

    __tablename__ = "study_truth"

    study_id: Mapped[int] = mapped_column(
        ForeignKey(StudyRecord.study_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    data_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """That of the trials which made the predictions."""
    sequence_ids: Mapped[bytes] = mapped_column(LargeBinary)
    """Ids of all sequences, as `storage.packing` writes them."""
    labels: Mapped[bytes] = mapped_column(LargeBinary)
    """uint8 fine class ids, one a sequence."""
    subjects: Mapped[bytes] = mapped_column(LargeBinary)
    """Subject of each sequence, as `storage.packing` writes them."""
    classes: Mapped[dict[str, Any]]
    """Class names: `fine` and `coarse` by id, and which of the coarse is `other`."""


class TrialRun(Base):
    """One attempt at a cell: who holds it until when, and what came of it."""

    __tablename__ = "trial_run"
    __table_args__ = (
        Index(
            "ux_trial_run_held_cell",
            "study_id",
            "cell",
            unique=True,
            sqlite_where=text(HELD_SQL),
            postgresql_where=text(HELD_SQL),
        ),
        Index(None, "study_id", "state"),
        UniqueConstraint("trial_id"),
        CheckConstraint(f"state IN {STATES!r}", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey(StudyRecord.study_id, ondelete="CASCADE"))
    trial_id: Mapped[int | None]
    """Optuna's; NULL until the Optuna trial is attached to the claim."""
    number: Mapped[int | None]
    """Optuna's number of the trial within its study."""
    cell: Mapped[str] = mapped_column(String(64))
    arm: Mapped[str] = mapped_column(String(64))
    repeat: Mapped[int]
    params: Mapped[dict[str, Any]]

    state: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int]
    """Counted from 1; released rows do not count."""
    cause: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(Text)
    log_tail: Mapped[str | None] = mapped_column(Text)
    told: Mapped[bool] = mapped_column(default=False)
    """Whether Optuna has been told how the trial ended."""

    holder: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    boot: Mapped[str] = mapped_column(String(64))
    pid: Mapped[int]
    process_started: Mapped[float]
    lease_expires: Mapped[float]

    worker: Mapped[str | None] = mapped_column(String(255))
    device: Mapped[str | None] = mapped_column(String(255))
    device_seconds: Mapped[float | None]
    value: Mapped[float | None]
    started: Mapped[float]
    ended: Mapped[float | None]

    code_hash: Mapped[str] = mapped_column(String(64))
    data_hash: Mapped[str] = mapped_column(String(64))
    config_hash: Mapped[str] = mapped_column(String(64))
    environment: Mapped[dict[str, Any]]


class _OfTrial:
    """First half of the key of what belongs to a trial."""

    trial_id: Mapped[int] = mapped_column(
        ForeignKey(TrialRun.trial_id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        sort_order=-3,
    )
    fold: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-2)


class FoldScore(_OfTrial, Base):
    """Scores of one fold after its last epoch."""

    __tablename__ = "fold_score"
    __table_args__ = _BY_KEY

    score: Mapped[float | None]
    binary_f1: Mapped[float | None]
    macro_f1: Mapped[float | None]
    best_epoch: Mapped[int | None]
    best_score: Mapped[float | None]


class EpochMetric(_OfTrial, Base):
    """Losses, weights and scores of one fold after one epoch; NULL where not in use."""

    __tablename__ = "epoch_metric"
    __table_args__ = _BY_KEY

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)
    score: Mapped[float | None]
    binary_f1: Mapped[float | None]
    macro_f1: Mapped[float | None]
    train_multiclass: Mapped[float | None]
    train_binary: Mapped[float | None]
    train_nine_class: Mapped[float | None]
    train_kl: Mapped[float | None]
    train_total: Mapped[float | None]
    val_multiclass: Mapped[float | None]
    val_binary: Mapped[float | None]
    val_nine_class: Mapped[float | None]
    val_kl: Mapped[float | None]
    val_total: Mapped[float | None]
    weight_multiclass: Mapped[float | None]
    weight_binary: Mapped[float | None]
    weight_nine_class: Mapped[float | None]
    weight_kl: Mapped[float | None]
    s_multiclass: Mapped[float | None]
    s_binary: Mapped[float | None]
    s_nine_class: Mapped[float | None]
    s_kl: Mapped[float | None]
    alpha: Mapped[float | None]
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a scheme logs beyond these, by name."""


class OofPrediction(_OfTrial, Base):
    """Out-of-fold predictions of one fold."""

    __tablename__ = "oof_prediction"

    predicted: Mapped[bytes] = mapped_column(LargeBinary)
    """uint8 fine class ids, one a sequence."""
    sequence_ids: Mapped[bytes] = mapped_column(LargeBinary)
    """Ids of those sequences, as `storage.packing` writes them."""


EPOCH_VALUES = tuple(
    column.name
    for column in EpochMetric.__table__.columns
    if not column.primary_key and column.name != "extra"
)
"""Columns of `epoch_metric` that hold a number."""


def table_of(entity: type[Base]) -> Table:
    """The Core table of an entity, for statements that need nothing of the ORM."""
    assert isinstance(entity.__table__, Table)
    return entity.__table__
