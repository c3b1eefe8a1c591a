"""Trials that may be compared: complete, trained on the same data, settings, code and folds.

What does not compare is left out, and a sentence says so: no number comes from it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from study.arms import BASELINE_ARM, declared_params
from study.plan import Cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.config import LossConfig
    from storage.queries import FoldScoreRow, OofRow, TrialRow


@dataclass(frozen=True, eq=False)
class Run:
    """A complete trial that may be compared with others."""

    row: TrialRow
    scores: NDArray[np.float64]
    """[K] score of each fold."""
    folds: tuple[tuple[int, bytes], ...] = ()
    """Size of each fold and the packed ids of its sequences; empty without predictions."""

    @property
    def score(self) -> float:
        """Mean over folds."""
        return float(self.scores.mean())

    @cached_property
    def configuration(self) -> str:
        """Arm and parameters, whatever the repeat."""
        return Cell(self.row.arm, self.row.params).hash

    @property
    def sizes(self) -> tuple[int, ...]:
        """Test sequences of each fold."""
        return tuple(size for size, _ in self.folds)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All runs of a study that may be compared."""

    runs: Sequence[Run]
    declared: Mapping[str, str]
    """Configuration of each arm's declared cell; that of the fixed arm is the baseline."""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Why complete trials of an arm do not count, in sentences."""

    @cached_property
    def by_cell(self) -> Mapping[tuple[str, int], Run]:
        """Runs by configuration and repeat."""
        return {(run.configuration, run.row.repeat): run for run in self.runs}

    def search(self, arm: str) -> list[Run]:
        """Runs of an arm's search, in the order in which they were claimed."""
        return [run for run in self.runs if run.row.arm == arm and run.row.repeat == 0]

    def of(self, configuration: str) -> dict[int, Run]:
        """Runs of a configuration by repeat."""
        return {run.row.repeat: run for run in self.runs if run.configuration == configuration}

    @property
    def limits(self) -> tuple[str, ...]:
        """What was left out."""
        return tuple(dict.fromkeys(said for of_arm in self.left_out.values() for said in of_arm))


def gather(
    arms: Sequence[str],
    loss: LossConfig,
    folds: int,
    trials: Iterable[TrialRow],
    scores: Iterable[FoldScoreRow],
    predictions: Iterable[OofRow],
) -> Evidence:
    """Pick what may be compared.

    Args:
        arms: of the study.
        loss: its baseline.
        folds: of its cross-validation.
        trials: all attempts.
        scores: of their folds.
        predictions: out-of-fold, of as many of them as have any.
    """
    by_trial: dict[int, dict[int, float | None]] = defaultdict(dict)
    for score in scores:
        by_trial[score.trial_id][score.fold] = score.score
    tested: dict[int, dict[int, tuple[int, bytes]]] = defaultdict(dict)
    for row in predictions:
        tested[row.trial_id][row.fold] = (len(row.predicted), row.packed_ids)
    left_out: dict[str, list[str]] = defaultdict(list)
    runs = []
    for trial in trials:
        if trial.state != "complete" or trial.trial_id is None:
            continue
        found = by_trial[trial.trial_id]
        fault = _fault(found, folds)
        if fault:
            left_out[trial.arm].append(f"trial {trial.number} ({trial.arm}) was left out: {fault}")
            continue
        of_folds = np.array([found[fold] for fold in range(folds)], dtype=np.float64)
        of_trial = tested[trial.trial_id]
        complete = sorted(of_trial) == list(range(folds))
        kept = tuple(of_trial[fold] for fold in range(folds)) if complete else ()
        runs.append(Run(trial, of_folds, kept))
    declared = {arm: Cell(arm, declared_params(arm, loss)).hash for arm in arms}
    for refused in (_of_other_making, _on_other_folds):
        runs = _without(refused(runs, declared.get(BASELINE_ARM)), runs, left_out)
    return Evidence(runs, declared, left_out)


def _fault(found: Mapping[int, float | None], folds: int) -> str | None:
    """Why a trial's scores cannot be used."""
    if sorted(found) != list(range(folds)):
        return f"expected scores of {folds} folds, found {len(found)}"
    bad = [fold for fold, score in found.items() if score is None or not math.isfinite(score)]
    if bad:
        return f"the score of fold {', '.join(map(str, bad))} is not a number"
    return None


Refused = Iterator[tuple[Run, str]]


def _of_other_making(runs: Sequence[Run], baseline: str | None) -> Refused:
    """Runs whose data, settings or code are not those of the baseline, or of most."""
    for column, what in (("data_hash", "data"), ("config_hash", "settings"), ("code_hash", "code")):
        made_of = [(run, getattr(run.row, column)) for run in runs]
        reference = _reference(made_of, baseline)
        for run, made in made_of:
            if made != reference:
                yield run, f"trained with other {what} than the rest: not comparable"


def _on_other_folds(runs: Sequence[Run], baseline: str | None) -> Refused:
    """Runs that were tested on other folds than the others of their repeat."""
    by_repeat: dict[int, list[tuple[Run, object]]] = defaultdict(list)
    for run in runs:
        if run.folds:
            by_repeat[run.row.repeat].append((run, run.folds))
    for repeat, tested in by_repeat.items():
        reference = _reference(tested, baseline)
        for run, folds in tested:
            if folds != reference:
                yield run, f"tested on other folds than the rest of repeat {repeat}: not comparable"


def _reference(runs: Sequence[tuple[Run, object]], baseline: str | None) -> object:
    """What the baseline has; without one, what most have."""
    for run, has in runs:
        if run.configuration == baseline:
            return has
    counts = Counter(has for _, has in runs)
    return counts.most_common(1)[0][0] if counts else None


def _without(refused: Refused, runs: list[Run], left_out: dict[str, list[str]]) -> list[Run]:
    """The other runs; those refused are noted by arm, and counted by reason."""
    reasons: dict[str, str] = {}
    for run, reason in refused:
        reasons.setdefault(run.row.cell, reason)
    counts = Counter(
        (run.row.arm, reasons[run.row.cell]) for run in runs if run.row.cell in reasons
    )
    for (arm, reason), count in counts.items():
        trials = "1 trial" if count == 1 else f"{count} trials"
        left_out[arm].append(f"{trials} of {arm} left out: {reason}")
    return [run for run in runs if run.row.cell not in reasons]
