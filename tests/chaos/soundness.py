"""Whether a study that has ended is whole: the one check after every fault."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from storage import queries
from storage.audit import audit
from storage.engine import open_engine
from storage.optuna_schema import open_optuna
from storage.queries import TrialRow
from storage.states import FINISHED

MAX_ATTEMPTS = 3
_IN_OPTUNA = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "retry": TrialState.FAIL,
    "released": TrialState.FAIL,
    "running": TrialState.RUNNING,
}


@dataclass(frozen=True)
class Kept:
    """All that a database holds of a study."""

    runs: Sequence[TrialRow]
    scores: Mapping[int, Mapping[int, float | None]]
    """By trial and fold."""
    predictions: Mapping[int, Collection[int]]
    """Folds by trial."""
    epochs: Mapping[int, Mapping[tuple[int, int], float | None]]
    """Scores by trial, then by fold and epoch."""
    shown: Mapping[int, FrozenTrial]
    """What Optuna shows, by id of the trial."""

    @property
    def finished(self) -> list[TrialRow]:
        return [run for run in self.runs if run.state in FINISHED]

    @property
    def complete(self) -> list[TrialRow]:
        return [run for run in self.runs if run.state == "complete"]


@dataclass(frozen=True)
class Counts:
    """What came of a study."""

    trials: int
    """That were asked for."""
    finished: int
    failed: int
    """Of the finished: failed for good, after three attempts."""
    attempts: int
    lost: int
    """Cells without a finished trial, and complete trials that lack something."""
    doubled: int
    """Finished trials beyond one a cell."""


def kept(url: str) -> Kept:
    """Read a study."""
    engine, optuna = open_engine(url), open_optuna(url, reads_only=True)
    try:
        study_id = queries.study_by_name(engine, "study").study_id
        scores: dict[int, dict[int, float | None]] = defaultdict(dict)
        for fold in queries.fold_rows(engine, study_id):
            scores[fold.trial_id][fold.fold] = fold.score
        predictions: dict[int, list[int]] = defaultdict(list)
        for row in queries.oof_rows(engine, study_id):
            predictions[row.trial_id].append(row.fold)
        epochs: dict[int, dict[tuple[int, int], float | None]] = defaultdict(dict)
        for trial, k, epoch, score in queries.epoch_rows(engine, study_id, ("score",)):
            epochs[trial][k, epoch] = score
        shown = {each._trial_id: each for each in optuna.get_all_trials(study_id, deepcopy=False)}
        return Kept(queries.trial_rows(engine, study_id), scores, predictions, epochs, shown)
    finally:
        engine.dispose()
        optuna.engine.dispose()


def assert_sound(url: str, cells: Sequence[str], folds: int, epochs: int) -> Counts:
    """Every cell has one finished trial, which is whole; both tables agree; nothing runs.

    Args:
        url: of the database.
        cells: hashes of those that were asked for.
        folds: of every trial.
        epochs: of every trial.

    Returns:
        What came of the study.
    """
    found = kept(url)
    faults = [
        *_faults_of_cells(found, cells),
        *_faults_of_failures(found),
        *_faults_of_folds(found, folds),
        *_faults_of_epochs(found, folds, epochs),
        *_faults_of_optuna(found, epochs),
        *map(str, audit(url).findings),
    ]
    assert not faults, "\n".join(faults)
    return counts(found, cells, folds, epochs)


def counts(found: Kept, cells: Sequence[str], folds: int, epochs: int) -> Counts:
    of_cell = Counter(run.cell for run in found.finished)
    halves = [run for run in found.complete if not _is_whole(found, run, folds, epochs)]
    return Counts(
        trials=len(cells),
        finished=len(found.finished),
        failed=sum(run.state == "failed" for run in found.finished),
        attempts=len(found.runs),
        lost=len(set(cells) - of_cell.keys()) + len(halves),
        doubled=sum(count - 1 for count in of_cell.values()),
    )


def _is_whole(found: Kept, run: TrialRow, folds: int, epochs: int) -> bool:
    trial = run.trial_id
    return trial is not None and (
        found.scores.get(trial, {}).keys() == set(range(folds))
        and len(found.epochs.get(trial, {})) == folds * epochs
        and len(found.predictions.get(trial, ())) == folds
    )


def _faults_of_cells(found: Kept, cells: Sequence[str]) -> Iterator[str]:
    of_cell = Counter(run.cell for run in found.finished)
    yield from (f"cell {cell}: no finished trial" for cell in cells if cell not in of_cell)
    yield from (f"cell {cell}: not asked for" for cell in of_cell.keys() - set(cells))
    yield from (f"cell {cell}: {n} finished trials" for cell, n in of_cell.items() if n > 1)
    yield from (f"run {run.run_id}: runs" for run in found.runs if run.state == "running")
    yield from (f"run {run.run_id}: no trial" for run in found.finished if run.trial_id is None)


def _faults_of_failures(found: Kept) -> Iterator[str]:
    """Attempts that came to nothing have their cause; only the last one is final."""
    tries = Counter(run.cell for run in found.runs if run.state in {"retry", "failed"})
    for run in found.runs:
        if run.state in {"failed", "retry", "released"} and not (run.cause and run.reason):
            yield f"run {run.run_id} is {run.state} without a cause"
        if run.state == "failed" and tries[run.cell] != MAX_ATTEMPTS:
            yield f"cell {run.cell} failed for good after {tries[run.cell]} attempts"


def _faults_of_folds(found: Kept, folds: int) -> Iterator[str]:
    complete = {run.trial_id: run for run in found.complete if run.trial_id is not None}
    for kind, rows in (("fold rows", found.scores), ("predictions", found.predictions)):
        for trial, of_folds in rows.items():
            if trial not in complete:
                yield f"trial {trial} has {kind}, and is not complete"
            elif sorted(of_folds) != list(range(folds)):
                yield f"trial {trial}: {kind} of {sorted(of_folds)}"
        yield from (f"trial {trial}: no {kind}" for trial in complete.keys() - rows.keys())
    for trial, run in complete.items():
        scores = [score for score in found.scores.get(trial, {}).values() if score is not None]
        if run.value is None or not scores or not _same(run.value, statistics.fmean(scores)):
            yield f"trial {trial}: value {run.value}, fold scores {scores}"


def _faults_of_epochs(found: Kept, folds: int, epochs: int) -> Iterator[str]:
    """Histories have no gap, also where they end early; those of complete trials do not."""
    of_trial = {run.trial_id: run for run in found.runs if run.trial_id is not None}
    yield from (f"trial {trial}: epochs, no run" for trial in found.epochs.keys() - of_trial.keys())
    for trial, run in of_trial.items():
        rows = found.epochs.get(trial, {})
        count = max((epoch + 1 for _, epoch in rows), default=0)
        if rows.keys() != {(fold, epoch) for fold in range(folds) for epoch in range(count)}:
            yield f"trial {trial}: of its history there is only {sorted(rows)}"
        if run.state == "complete" and count != epochs:
            yield f"trial {trial} is complete with {count} of {epochs} epochs"


def _faults_of_optuna(found: Kept, epochs: int) -> Iterator[str]:
    numbers = sorted(trial.number for trial in found.shown.values())
    if numbers != list(range(len(numbers))):
        yield f"Optuna's trials are numbered {numbers}"
    of_trial = {run.trial_id: run for run in found.runs if run.trial_id is not None}
    yield from (f"trial {trial}: not in Optuna" for trial in of_trial.keys() - found.shown.keys())
    for trial_id, trial in found.shown.items():
        run = of_trial.get(trial_id)
        state = "released" if run is None else run.state
        if trial.state != _IN_OPTUNA[state]:
            yield f"trial {trial_id} is {state}, in Optuna {trial.state.name}"
        elif run is not None and run.state == "complete":
            yield from _faults_of_values(found, run, trial, epochs)


def _faults_of_values(found: Kept, run: TrialRow, trial: FrozenTrial, epochs: int) -> Iterator[str]:
    if trial.value != run.value or trial.user_attrs.get("cell") != run.cell:
        yield f"trial {run.trial_id}: value {run.value} of {run.cell}, in Optuna {trial}"
    history = found.epochs.get(trial._trial_id, {})
    for epoch in range(epochs):
        scores = [value for (_, e), value in history.items() if e == epoch and value is not None]
        shown = trial.intermediate_values.get(epoch, math.nan)
        if not scores or not _same(shown, statistics.fmean(scores)):
            yield f"trial {run.trial_id}, epoch {epoch}: {scores}, in Optuna {shown}"


def _same(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-9)
