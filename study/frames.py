"""A study's rows as tidy DataFrames."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import NamedTuple

import pandas as pd

from storage import queries
from storage.queries import FoldScoreRow, TrialRow
from storage.tables import EPOCH_VALUES
from study.database import existing

_OF_TRIAL = ["trial_id", "number", "arm", "repeat"]


class Results(NamedTuple):
    """Three tables; folds and epochs repeat number, arm and repeat of their trial."""

    trials: pd.DataFrame
    """One row an attempt at a cell: its columns are those of `storage.queries.TrialRow`, with
    one `param_<name>` for each parameter in place of params."""
    folds: pd.DataFrame
    """One row a fold of a complete trial: score, binary_f1, macro_f1, best_epoch, best_score."""
    epochs: pd.DataFrame
    """One row an epoch of a fold: losses, weights, scores, by the names of `epoch_metric`."""


def results(storage: str | None = None, study_name: str = "study") -> Results:
    """Read a study.

    Args:
        storage: a storage URL; None for STUDY_STORAGE or the default.
        study_name: its name.

    Raises:
        StorageError: no such database or study, or a schema this version does not know.
    """
    with existing(storage) as engine:
        study_id = queries.study_by_name(engine, study_name).study_id
        trials = queries.trial_rows(engine, study_id)
        folds = queries.fold_rows(engine, study_id)
        epochs = queries.epoch_rows(engine, study_id)
    frame = _trials(trials)
    keys = frame.loc[frame["trial_id"].notna(), _OF_TRIAL]
    return Results(
        trials=frame,
        folds=_joined(keys, _folds(folds)),
        epochs=_joined(
            keys, pd.DataFrame(epochs, columns=["trial_id", "fold", "epoch", *EPOCH_VALUES])
        ),
    )


def _trials(rows: list[TrialRow]) -> pd.DataFrame:
    columns = [field.name for field in fields(TrialRow) if field.name != "params"]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=[*columns, "params"])
    names = dict.fromkeys(name for row in rows for name in row.params)
    for name in names:
        frame[f"param_{name}"] = [row.params.get(name) for row in rows]
    return frame.drop(columns="params").astype({"trial_id": "Int64", "number": "Int64"})


def _folds(rows: list[FoldScoreRow]) -> pd.DataFrame:
    columns = [field.name for field in fields(FoldScoreRow)]
    return pd.DataFrame([asdict(row) for row in rows], columns=columns)


def _joined(keys: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    typed = frame.astype({"trial_id": "Int64"})
    return keys.merge(typed, on="trial_id", how="inner", validate="one_to_many")
