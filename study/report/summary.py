"""The numbers of a report. `summarise` is pure; `read` fetches what it needs.

The score of a trial is the mean over its folds, after the last epoch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from model.config import LossConfig
from storage import queries
from study.arms import BASELINE_ARM, declared_params, loss_config
from study.plan import Cell
from study.report.attempts import Failure, failures, free_again
from study.report.headline import headline
from study.report.weights import (
    FoldValues,
    is_collapsed,
    is_unmoved,
    moves,
    shares,
    starting_weights,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.queries import EpochEnd, FoldScoreRow, TrialRow
    from storage.studies import StudyIdentity


@dataclass(frozen=True)
class TrialCounts:
    """Cells of a study by what became of them."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    """For good."""
    running: int = 0
    waiting: int = 0
    """Tried or begun before, free to run again; cells never begun are not counted."""


@dataclass(frozen=True)
class ArmSummary:
    """What one arm's trials came to."""

    arm: str
    trials: int
    """Complete ones: those the mean is over."""
    mean: float | None
    sd: float | None
    """Over trials (n - 1); None below two."""
    fold_sd: float | None
    """SD over the folds of a trial, averaged over trials."""
    best: float | None
    """Highest of the trials' scores: optimistic the more trials it is the highest of."""
    best_params: Mapping[str, Any] | None
    best_weights: Mapping[str, tuple[float, float]] | None
    """Of the best trial, if it learned: each term's weight at the start and at the end."""
    collapsed: int
    unmoved: int
    pruned: int
    failed: int
    retried: int
    """Attempts that failed and ran again."""
    device_seconds: float
    """Of all attempts."""


@dataclass(frozen=True)
class Summary:
    """A study in numbers."""

    study: str
    data: str
    trials: TrialCounts
    arms: tuple[ArmSummary, ...]
    """In the order of the study's configuration."""
    failures: tuple[Failure, ...]

    @property
    def headline(self) -> str:
        """One sentence that says no more than the numbers do."""
        means = [(a.arm, a.mean, a.sd, a.trials) for a in self.arms]
        return headline(means, self.trials.failed, self.trials.pruned)


@dataclass(frozen=True)
class Records:
    """What a summary is made from."""

    trials: Sequence[TrialRow]
    folds: Sequence[FoldScoreRow] = ()
    ends: Sequence[EpochEnd] = field(default_factory=tuple)
    """First and last epoch of every fold."""


def read(engine: Engine, study_name: str) -> Summary:
    """Summarise a study.

    Raises:
        StudyMissing: there is none of this name.
        StorageError: the database cannot be read.
    """
    identity = queries.study_by_name(engine, study_name)
    records = Records(
        trials=queries.trial_rows(engine, identity.study_id),
        folds=queries.fold_rows(engine, identity.study_id),
        ends=queries.first_last_weights(engine, identity.study_id),
    )
    return summarise(identity, records)


def summarise(identity: StudyIdentity, records: Records) -> Summary:
    """Numbers of a study from its rows."""
    loss = LossConfig.model_validate(identity.config["loss"])
    last = _last_epochs(records.ends)
    fold_scores: dict[int | None, list[float]] = defaultdict(list)
    for row in records.folds:
        if row.score is not None:
            fold_scores[row.trial_id].append(row.score)
    flags = _Flags(loss, records.trials, last)
    return Summary(
        study=identity.name,
        data=str(identity.config["data"]),
        trials=_counts(records.trials),
        arms=tuple(
            _arm(arm, [row for row in records.trials if row.arm == arm], fold_scores, flags)
            for arm in identity.arms
        ),
        failures=failures(records.trials),
    )


class _Flags:
    """Says of each trial whether its weights stayed or collapsed."""

    def __init__(
        self,
        loss: LossConfig,
        rows: Sequence[TrialRow],
        last: Mapping[int | None, Sequence[FoldValues]],
    ) -> None:
        self._loss = loss
        self._last = last
        declared = declared_params(BASELINE_ARM, loss)
        self._baseline = {
            row.repeat: shares(last.get(row.trial_id, ()))
            for row in rows
            if row.state == "complete" and row.cell == Cell(BASELINE_ARM, declared, row.repeat).hash
        }

    def unmoved(self, row: TrialRow) -> bool:
        return _is_learned(row) and is_unmoved(self._start(row), self._ends(row))

    def collapsed(self, row: TrialRow) -> bool:
        if not _is_learned(row):
            return False
        paired = self._baseline.get(row.repeat)
        return is_collapsed(self._start(row), self._ends(row), self._loss.auto_weight_clamp, paired)

    def moves(self, row: TrialRow) -> Mapping[str, tuple[float, float]] | None:
        found = moves(self._start(row), self._ends(row)) if _is_learned(row) else {}
        return {str(term): ends for term, ends in found.items()} or None

    def _start(self, row: TrialRow) -> Mapping[Any, float]:
        return starting_weights(loss_config(row.arm, row.params, self._loss))

    def _ends(self, row: TrialRow) -> Sequence[FoldValues]:
        return self._last.get(row.trial_id, ())


def _is_learned(row: TrialRow) -> bool:
    return "lr_multiplier" in row.params


def _last_epochs(ends: Sequence[EpochEnd]) -> dict[int | None, list[FoldValues]]:
    """Values of each trial's last epoch, fold by fold."""
    by_fold = {(end.trial_id, end.fold): end.values for end in ends}  # the last comes last
    last: dict[int | None, list[FoldValues]] = defaultdict(list)
    for (trial_id, _), values in by_fold.items():
        last[trial_id].append(values)
    return last


def _counts(rows: Sequence[TrialRow]) -> TrialCounts:
    states = Counter(row.state for row in rows)
    return TrialCounts(
        complete=states["complete"],
        pruned=states["pruned"],
        failed=states["failed"],
        running=states["running"],
        waiting=len(free_again(rows)),
    )


def _arm(
    arm: str,
    rows: Sequence[TrialRow],
    fold_scores: Mapping[int | None, Sequence[float]],
    flags: _Flags,
) -> ArmSummary:
    states = Counter(row.state for row in rows)
    complete = [row for row in rows if row.state == "complete"]
    scored = [(row.value, row) for row in complete if row.value is not None]
    values = [value for value, _ in scored]
    over_folds = [stdev(s) for row in complete if len(s := fold_scores.get(row.trial_id, ())) > 1]
    best, best_row = max(scored, key=lambda pair: pair[0]) if scored else (None, None)
    return ArmSummary(
        arm=arm,
        trials=len(values),
        mean=fmean(values) if values else None,
        sd=stdev(values) if len(values) > 1 else None,
        fold_sd=fmean(over_folds) if over_folds else None,
        best=best,
        best_params=dict(best_row.params) if best_row else None,
        best_weights=flags.moves(best_row) if best_row else None,
        collapsed=sum(flags.collapsed(row) for row in rows if row.state in {"complete", "pruned"}),
        unmoved=sum(flags.unmoved(row) for row in complete),
        pruned=states["pruned"],
        failed=states["failed"],
        retried=states["retry"],
        device_seconds=sum((row.device_seconds or 0.0 for row in rows), 0.0),
    )
