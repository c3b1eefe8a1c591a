"""What out-of-fold predictions are scored against: true labels and subjects, without the data."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from storage.engine import reading, retried, writing
from storage.errors import StorageError, StudyMissing
from storage.packing import pack_ids, pack_subjects, unpack_ids, unpack_subjects
from storage.rows import Truth
from storage.tables import StudyRecord, StudyTruth, table_of
from storage.upsert import insert_ignoring

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

_stored = table_of(StudyTruth)
_UNREADABLE = (ValueError, TypeError, LookupError, zlib.error)
"""What unpacking raises of contents that this module has not written."""


class TruthError(StorageError):
    """True labels that cannot be read."""


@retried
def record_truth(engine: Engine, study_id: int, data_hash: str, truth: Truth) -> None:
    """Write what predictions on one data set are scored against; what is there already stands.

    Raises:
        StudyMissing: the study was never recorded.
    """
    key = {"study_id": study_id, "data_hash": data_hash}
    with reading(engine) as session:
        if session.scalar(select(_stored.c.study_id).filter_by(**key)) is not None:
            return
    values = _columns(truth) | key
    with writing(engine) as session:
        if session.get(StudyRecord, study_id) is None:
            known = list(session.scalars(select(StudyRecord.name)))
            raise StudyMissing(f"a study of id {study_id}", known)
        session.execute(insert_ignoring(session, StudyTruth).values(values))


@retried
def truth(engine: Engine, study_id: int, data_hash: str) -> Truth | None:
    """What predictions on one data set are scored against; None if it was not recorded.

    Raises:
        TruthError: it cannot be read.
    """
    query = select(_stored).filter_by(study_id=study_id, data_hash=data_hash)
    with reading(engine) as session:
        row = session.execute(query).one_or_none()
    try:
        return None if row is None else _unpacked(row)
    except _UNREADABLE as error:
        raise TruthError(
            f"true labels of study {study_id} on data {data_hash[:12]} cannot be read "
            f"({_said(error)}); go back to a copy of the database that "
            "python -m storage check finds sound"
        ) from error


def unreadable(connection: Connection, study_id: int) -> Iterator[str]:
    """Of a study's true labels, what cannot be read, and why."""
    for row in connection.execute(select(_stored).filter_by(study_id=study_id)):
        try:
            _unpacked(row)
        except _UNREADABLE as error:
            yield f"data {row.data_hash[:12]} ({_said(error)})"


def _columns(truth: Truth) -> dict[str, Any]:
    return {
        "sequence_ids": pack_ids(truth.sequence_ids),
        "labels": truth.labels,
        "subjects": pack_subjects(truth.subjects),
        "classes": {"fine": truth.fine, "coarse": truth.coarse, "other": truth.other},
    }


def _unpacked(row: Row[Any]) -> Truth:
    return Truth(
        sequence_ids=unpack_ids(row.sequence_ids),
        labels=bytes(row.labels),
        subjects=unpack_subjects(row.subjects),
        fine=tuple(row.classes["fine"]),
        coarse=tuple(row.classes["coarse"]),
        other=row.classes["other"],
    )


def _said(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
