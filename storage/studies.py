"""A study's identity: what must match when it is resumed. And when its confirmation stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, not_, or_, select, update

from storage.clock import EpochNow
from storage.engine import reading, retried, writing
from storage.errors import StudyMissing
from storage.tables import StudyRecord
from storage.upsert import insert_ignoring

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class StudyIdentity:
    """What a study was made from."""

    study_id: int
    """Optuna's."""
    name: str
    config: Mapping[str, Any]
    """Settings that change results."""
    arms: tuple[str, ...]
    seed: int
    data_hash: str
    config_hash: str
    model_hash: str
    environment: Mapping[str, Any]
    """Commit, packages, host: recorded, and warned of where they differ."""


@retried
def record(engine: Engine, identity: StudyIdentity) -> StudyIdentity:
    """Write a new study's identity, and return what stands.

    If another process wrote it first, theirs stands: compare. Records under
    either its id or its name alone belong to studies that Optuna no longer
    holds (it keeps both unique) and are removed with their trials.
    """
    with writing(engine) as session:
        same_id = StudyRecord.study_id == identity.study_id
        same_name = StudyRecord.name == identity.name
        session.execute(
            delete(StudyRecord).where(or_(same_id, same_name), not_(and_(same_id, same_name)))
        )
        values = _columns(identity) | {"study_id": identity.study_id, "created": EpochNow()}
        session.execute(insert_ignoring(session, StudyRecord).values(values))
        return _stored(session, identity.study_id) or identity


@retried
def get(engine: Engine, study_id: int) -> StudyIdentity | None:
    """Identity of a study by Optuna's id; None if none was recorded."""
    with reading(engine) as session:
        return _stored(session, study_id)


@retried
def replace(engine: Engine, identity: StudyIdentity) -> None:
    """Put another identity in the place of a study's old one.

    Its trials keep their own hashes, and its stopping rule stands.

    Raises:
        StudyMissing: the study was never recorded.
    """
    with writing(engine) as session:
        found = session.execute(
            update(StudyRecord)
            .where(StudyRecord.study_id == identity.study_id)
            .values(_columns(identity))
            .returning(StudyRecord.study_id)
        ).one_or_none()
        if found is None:
            raise StudyMissing(f"study {identity.name!r}", _names(session))


@retried
def fix_stopping(engine: Engine, study_id: int, rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fix the rule by which a study's confirmation stops, and return what stands.

    The first rule stands for good, whoever else fixes one, at the same time or later.

    Args:
        engine: on the database.
        study_id: Optuna's.
        rule: plain JSON, and comes back as such: lists in place of tuples.

    Raises:
        StudyMissing: the study was never recorded.
    """
    of_study = StudyRecord.study_id == study_id
    with writing(engine) as session:
        session.execute(
            update(StudyRecord)
            .where(of_study, StudyRecord.stopping.is_(None))
            .values(stopping=dict(rule))
        )
        stands: dict[str, Any] | None = session.scalar(select(StudyRecord.stopping).where(of_study))
        if stands is None:
            raise StudyMissing(f"a study of id {study_id}", _names(session))
        return stands


@retried
def stopping(engine: Engine, study_id: int) -> Mapping[str, Any] | None:
    """The rule by which a study's confirmation stops; None if none was fixed."""
    with reading(engine) as session:
        return session.scalar(select(StudyRecord.stopping).where(StudyRecord.study_id == study_id))


@retried
def forget(engine: Engine, study_id: int) -> None:
    """Remove a study's record with its trials and all that belongs to them.

    To be called when Optuna has just made a study of this id: SQLite gives the
    ids of deleted studies and trials out again, and rows of a deleted study
    must not count for the new one.
    """
    with writing(engine) as session:
        session.execute(delete(StudyRecord).where(StudyRecord.study_id == study_id))


@retried
def names(engine: Engine) -> list[str]:
    """Names of the recorded studies, oldest first."""
    with reading(engine) as session:
        return _names(session)


@retried
def by_name(engine: Engine, name: str) -> StudyIdentity:
    """Identity of a study.

    Raises:
        StudyMissing: there is none of this name.
    """
    with reading(engine) as session:
        known = _names(session)
        if name not in known:
            raise StudyMissing(f"study {name!r}", known)
        row = session.scalars(select(StudyRecord).where(StudyRecord.name == name)).one()
        return _identity(row)


def _names(session: Session) -> list[str]:
    return list(session.scalars(select(StudyRecord.name).order_by(StudyRecord.created)))


def _stored(session: Session, study_id: int) -> StudyIdentity | None:
    row = session.get(StudyRecord, study_id)
    return None if row is None else _identity(row)


def _identity(row: StudyRecord) -> StudyIdentity:
    return StudyIdentity(
        study_id=row.study_id,
        name=row.name,
        config=row.config,
        arms=tuple(row.arms),
        seed=row.seed,
        data_hash=row.data_hash,
        config_hash=row.config_hash,
        model_hash=row.model_hash,
        environment=row.environment,
    )


def _columns(identity: StudyIdentity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "config": dict(identity.config),
        "arms": list(identity.arms),
        "seed": identity.seed,
        "data_hash": identity.data_hash,
        "config_hash": identity.config_hash,
        "model_hash": identity.model_hash,
        "environment": dict(identity.environment),
    }
