"""How weights went over the epochs of a cell, and each term's share of the gradient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from model.config import TERMS
from storage import queries
from storage.extras import last_extras
from study.report.findings import Course

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from study.report.evidence import Run

GRADIENT_SHARE = "gradient_share_"


def courses(
    engine: Engine, study_id: int, shown: Mapping[str, Sequence[Run]], cells: Mapping[str, str]
) -> tuple[Course, ...]:
    """Weights of every term over the epochs.

    Args:
        engine: of the database.
        study_id: Optuna's.
        shown: runs of the cell that is shown of each arm.
        cells: that cell in words, by arm.
    """
    arm_of = {run.row.trial_id: arm for arm, runs in shown.items() for run in runs}
    columns = tuple(f"weight_{term}" for term in TERMS)
    ids = [trial for trial in arm_of if trial is not None]
    values: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial, _, epoch, *weights in queries.epoch_rows(engine, study_id, columns, ids):
        for term, weight in zip(TERMS, weights, strict=True):
            if weight is not None:
                values[arm_of[trial], term][epoch].append(weight)
    return tuple(_course(arm, cells[arm], term, of) for (arm, term), of in values.items())


def _course(arm: str, cell: str, term: str, by_epoch: Mapping[int, Sequence[float]]) -> Course:
    epochs = [by_epoch[epoch] for epoch in sorted(by_epoch)]
    return Course(
        arm,
        cell,
        term,
        mean=tuple(fmean(of) for of in epochs),
        low=tuple(min(of) for of in epochs),
        high=tuple(max(of) for of in epochs),
        sd=tuple(stdev(of) if len(of) > 1 else 0.0 for of in epochs),
        runs=max(len(of) for of in epochs),
    )


def gradient_shares(
    engine: Engine, study_id: int, shown: Mapping[str, Sequence[Run]]
) -> dict[str, dict[str, float]]:
    """Share of each term in the gradient after the last epoch, averaged over runs and folds."""
    arm_of = {run.row.trial_id: arm for arm, runs in shown.items() for run in runs}
    ids = [trial for trial in arm_of if trial is not None]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial, extra in last_extras(engine, study_id, ids):
        for name, share in _shares(extra):
            found[arm_of[trial]][name].append(share)
    return {arm: {term: fmean(of[term]) for term in TERMS if of[term]} for arm, of in found.items()}


def _shares(extra: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [
        (name.removeprefix(GRADIENT_SHARE), float(value))
        for name, value in extra.items()
        if name.startswith(GRADIENT_SHARE) and value is not None
    ]
