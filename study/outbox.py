"""What has become of trials, kept until it is in the database."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.outcomes import TrialDropped, TrialResult
from study.logs import about

if TYPE_CHECKING:
    from storage.states import Cause
    from study.progress import Progress
    from study.supply import Supply
    from study.trial import Place, Trial
    from study.trials import Trials

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a trial came to nothing."""

    cause: Cause
    reason: str
    log_tail: str
    """End of what its worker logged."""
    seconds: float | None = None
    """Of the device."""


@dataclass(frozen=True)
class Ended:
    """A trial and what became of it."""

    trial: Trial
    outcome: TrialResult | TrialDropped | Failure
    place: Place


class Outbox:
    """Writes what has become of trials, in order. Whatever fails on the way is begun again."""

    def __init__(self, trials: Trials, supply: Supply, progress: Progress) -> None:
        self._trials = trials
        self._supply = supply
        self._progress = progress
        self._unwritten: deque[Ended] = deque()

    def __len__(self) -> int:
        """How many trials are still to be written."""
        return len(self._unwritten)

    def put(self, ended: Ended) -> None:
        """Keep what has become of a trial."""
        self._unwritten.append(ended)

    def write(self) -> None:
        """Write all that is kept.

        Raises:
            StorageError: the database cannot be used; what is not written is kept.
        """
        while self._unwritten:
            self._write(self._unwritten[0])
            self._unwritten.popleft()

    def _write(self, ended: Ended) -> None:
        trial, outcome, place = ended.trial, ended.outcome, ended.place
        match outcome:
            case TrialResult():
                if self._trials.complete(trial, outcome, place):
                    self._supply.finished(trial.cell, "complete")
                    self._progress.finished(trial.cell.arm, trial.value)
                    self._say(logging.INFO, ended, "trial_complete", f"scored {trial.value:.4f}")
                else:
                    self._say(logging.WARNING, ended, "result_refused", _TOO_LATE)
            case TrialDropped():
                if self._trials.prune(trial, outcome.seconds, place):
                    self._supply.finished(trial.cell, "pruned")
                    self._progress.pruned()
                    self._say(logging.INFO, ended, "trial_pruned", "was pruned")
                else:
                    self._say(logging.WARNING, ended, "result_refused", _TOO_LATE)
            case Failure():
                self._write_failure(ended, outcome)

    def _write_failure(self, ended: Ended, failure: Failure) -> None:
        trial = ended.trial
        state = self._trials.fail(
            trial, failure.cause, failure.reason, failure.log_tail, failure.seconds
        )
        if state == "failed":
            self._supply.finished(trial.cell, state)
            self._progress.failed()
        after = "its cell will be tried again" if state == "retry" else "for good"
        last = failure.reason.strip().splitlines()[-1]
        self._say(
            logging.WARNING,
            ended,
            "trial_failed",
            f"failed, {failure.cause}: {last}; {after}",
            cause=failure.cause,
        )
        if state == "retry":
            self._supply.look_again()

    def _say(
        self, level: int, ended: Ended, event: str, what: str, cause: str | None = None
    ) -> None:
        trial, place = ended.trial, ended.place
        log.log(
            level,
            "trial %d (%s) %s",
            trial.number,
            trial.cell.arm,
            what,
            extra=about(
                event=event,
                trial=trial.number,
                cell=trial.cell.hash,
                arm=trial.cell.arm,
                worker=place.worker,
                cause=cause,
            ),
        )


_TOO_LATE = "came too late: another process took its cell over"
