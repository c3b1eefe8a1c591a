"""The numbers of a report. `summarise` is pure; `read_records` fetches what it needs.

The score of a trial is the mean over its folds, after the last epoch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model.config import LossConfig
from storage import queries
from study.errors import UsageError
from study.report.attempts import Failure, failures, free_again
from study.report.flags import Flags
from study.report.headline import of_means

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
    """Complete ones of the search: those the mean is over. Repeats that confirm come apart."""
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
        return of_means(means, self.trials.failed, self.trials.pruned)


@dataclass(frozen=True)
class Records:
    """What a summary is made from."""

    trials: Sequence[TrialRow]
    folds: Sequence[FoldScoreRow] = ()
    ends: Sequence[EpochEnd] = field(default_factory=tuple)
    """First and last epoch of every fold."""


def read_records(engine: Engine, study_id: int) -> Records:
    """Fetch what a summary is made from.

    Raises:
        StorageError: the database cannot be read.
    """
    return Records(
        trials=queries.trial_rows(engine, study_id),
        folds=queries.fold_rows(engine, study_id),
        ends=queries.first_last_weights(engine, study_id),
    )


def baseline_of(identity: StudyIdentity) -> LossConfig:
    """Losses of a study's baseline, as it was made.

    Raises:
        UsageError: a version of this project that has other settings made it.
    """
    try:
        return LossConfig.model_validate(identity.config["loss"])
    except (ValidationError, KeyError) as error:
        what = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ("loss",)
        raise UsageError(
            [
                f"study {identity.name!r}: its setting {'.'.join(map(str, what))} is not one of "
                "this version; report it with the version that made it"
            ]
        ) from None


def summarise(identity: StudyIdentity, records: Records) -> Summary:
    """Numbers of a study from its rows."""
    flags = Flags(baseline_of(identity), records.trials, records.ends)
    fold_scores: dict[int | None, list[float]] = defaultdict(list)
    for row in records.folds:
        if row.score is not None:
            fold_scores[row.trial_id].append(row.score)
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
    flags: Flags,
) -> ArmSummary:
    states = Counter(row.state for row in rows)
    complete = [row for row in rows if row.state == "complete"]
    search = [row for row in complete if row.repeat == 0]
    scored = [(row.value, row) for row in search if row.value is not None]
    values = [value for value, _ in scored]
    over_folds = [stdev(s) for row in search if len(s := fold_scores.get(row.trial_id, ())) > 1]
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
