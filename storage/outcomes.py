"""Rows that a trial leaves behind, and text fit for every database."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storage.packing import pack_ids
from storage.tables import EPOCH_VALUES, EpochMetric, FoldScore, OofPrediction
from storage.upsert import insert_ignoring
from storage.url import masked

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.rows import EpochRow, FoldRow

_KNOWN = frozenset(EPOCH_VALUES)


def insert_folds(session: Session, trial_id: int, folds: Sequence[FoldRow]) -> None:
    """Insert scores and out-of-fold predictions of a trial's folds."""
    if not folds:
        return
    session.execute(insert_ignoring(session, FoldScore), [_scores(trial_id, f) for f in folds])
    session.execute(
        insert_ignoring(session, OofPrediction), [_predictions(trial_id, f) for f in folds]
    )


def insert_epochs(session: Session, histories: Mapping[int, Sequence[EpochRow]]) -> None:
    """Insert histories by trial; rows that are there already stay as they are."""
    rows = [_metrics(trial_id, row) for trial_id, trial in histories.items() for row in trial]
    if rows:
        session.execute(insert_ignoring(session, EpochMetric), rows)


def storable(text: str | None) -> str | None:
    """Text without passwords, and without what PostgreSQL refuses: NULs and lone surrogates."""
    if text is None:
        return None
    fit = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    return masked(fit)


def _scores(trial_id: int, fold: FoldRow) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "fold": fold.fold,
        "score": fold.score,
        "binary_f1": fold.binary_f1,
        "macro_f1": fold.macro_f1,
        "best_epoch": fold.best_epoch,
        "best_score": fold.best_score,
    }


def _predictions(trial_id: int, fold: FoldRow) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "fold": fold.fold,
        "predicted": bytes(fold.predicted),
        "sequence_ids": pack_ids(fold.sequence_ids),
    }


def _metrics(trial_id: int, row: EpochRow) -> dict[str, Any]:
    known = {name: row.metrics.get(name) for name in EPOCH_VALUES}
    extra = {
        name: value if math.isfinite(value) else None
        for name, value in row.metrics.items()
        if name not in _KNOWN
    }
    key = {"trial_id": trial_id, "fold": row.fold, "epoch": row.epoch}
    return key | known | {"extra": extra or None}
