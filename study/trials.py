"""Trials of one study as one process runs them, in both tables: ours and Optuna's.

Ours is written first and decides. Optuna is told next; what could not be told, for
the process died or the database went away in between, `reconcile` tells. Epochs
gather until the next `flush`: a transaction costs more than what it writes.

Whatever needs the database may raise `UnavailableError` at any point and then be
called again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from storage.errors import ClaimLost, UnavailableError
from storage.optuna_schema import Shown
from storage.rows import EpochRow, FoldRow, RunResult
from study.recover import reconcile
from study.trial import Trial

if TYPE_CHECKING:
    from model.outcomes import EpochReport, TrialResult
    from storage.rows import CellRef, Fingerprints
    from storage.runs import Runs
    from storage.states import Cause, State
    from study.mirror import Mirror
    from study.trial import Place

LOST = "another process took the cell over"


class Trials:
    """Claims cells and writes what becomes of them."""

    def __init__(self, runs: Runs, mirror: Mirror, made_of: Fingerprints) -> None:
        self._runs = runs
        self._mirror = mirror
        self._made_of = made_of
        self._held: dict[int, Trial] = {}
        self._told: list[int] = []

    def claim(self, cells: Collection[CellRef], limit: int) -> list[Trial]:
        """Claim the first `limit` cells that are free."""
        trials = [Trial(claim) for claim in self._runs.claim(cells, limit, self._made_of)]
        self._held.update({trial.run_id: trial for trial in trials})
        return trials

    def finished(self) -> dict[str, State]:
        """Every finished cell of the study, and how it ended."""
        return self._runs.finished()

    def count_finished(self) -> int:
        """How many cells of the study are finished."""
        return self._runs.count_finished()

    def count_held(self) -> int:
        """How many cells this process holds."""
        return len(self._held)

    def start(self, trials: Sequence[Trial], place: Place) -> list[Trial]:
        """Make the Optuna trials of claims that have none. Returns those that still stand."""
        for trial in trials:
            if not trial.is_started:
                trial.trial_id, trial.number = self._mirror.create(trial.claim)
        made = {trial.run_id: (trial.trial_id, trial.number) for trial in trials}
        of_run = {trial.run_id: trial for trial in trials}
        for run_id in self._runs.attach(made, place.worker, place.device):
            self._end_lost(of_run[run_id])
        return [trial for trial in trials if not trial.lost]

    def report(self, trial: Trial, report: EpochReport) -> bool:
        """Note an epoch, to be written at the next `flush`. False if the trial cannot go on."""
        scores = report.metrics["score"]
        trial.epoch = report.epoch
        trial.value = float(np.mean(scores))
        trial.unshown[trial.epoch] = trial.value
        columns = {name: values.tolist() for name, values in report.metrics.items()}
        trial.unwritten += [
            EpochRow(k, report.epoch, {name: values[k] for name, values in columns.items()})
            for k in range(len(scores))
        ]
        return not (trial.lost or trial.ended)

    def complete(self, trial: Trial, result: TrialResult, place: Place) -> bool:
        """Write a result. False if it is refused: the claim no longer stands."""
        scores = np.array([(fold.score, fold.binary_f1, fold.macro_f1) for fold in result.folds])
        trial.value, binary_f1, macro_f1 = scores.mean(axis=0).tolist()
        spread = float(scores[:, 0].std(ddof=1)) if len(scores) > 1 else 0.0
        means = {"score_sd": spread, "binary_f1": binary_f1, "macro_f1": macro_f1}
        self._show([trial], means)
        written = RunResult(
            value=trial.value,
            folds=[FoldRow(fold=k, **vars(fold)) for k, fold in enumerate(result.folds)],
            device_seconds=result.seconds,
            worker=place.worker,
            device=place.device,
            epochs=trial.unwritten,
        )
        return self._finish(trial, written, "complete")

    def prune(self, trial: Trial, seconds: float, place: Place) -> bool:
        """Write a trial that was dropped, with its last value. False if it is refused."""
        self._show([trial])
        written = RunResult(
            value=trial.value,
            folds=(),
            device_seconds=seconds,
            worker=place.worker,
            device=place.device,
            epochs=trial.unwritten,
        )
        return self._finish(trial, written, "pruned")

    def fail(
        self,
        trial: Trial,
        cause: Cause,
        reason: str,
        log_tail: str | None = None,
        seconds: float | None = None,
    ) -> State | None:
        """Write a failure. Returns the state its cell is left in; None if it is refused."""
        self._write_epochs([trial])
        final = cause == "non_finite_loss"
        try:
            state = self._runs.fail(
                trial.run_id, cause, reason, log_tail, final, device_seconds=seconds
            )
        except ClaimLost:
            self._end_lost(trial)
            return None
        self._tell_failure(trial, state, cause, reason)
        return state

    def release_all(
        self, cause: Cause, reason: str, log_tails: Mapping[int, str] | None = None
    ) -> int:
        """Give back everything this process holds, and take up what others have left.

        Args:
            cause: why.
            reason: the same in words.
            log_tails: end of what was logged of the trials in training, by run.
        """
        self.flush()
        held = list(self._held.values())
        for trial in held:
            tail = (log_tails or {}).get(trial.run_id)
            self._runs.release(trial.run_id, cause, reason, tail)
            self._tell_failure(trial, "released", cause, reason)
        self.reconcile()
        return len(held)

    def flush(self) -> None:
        """Write what has gathered, all trials' together, and extend all leases."""
        self._write_epochs([trial for trial in self._held.values() if not trial.lost])
        self._show([trial for trial in self._held.values() if not trial.lost and trial.unshown])
        self._note_told()

    def reconcile(self) -> None:
        """Take up what processes that died have left."""
        self.flush()
        reconcile(self._runs, self._mirror)

    def _finish(
        self, trial: Trial, written: RunResult, state: Literal["complete", "pruned"]
    ) -> bool:
        if not self._runs.complete(trial.run_id, written, state):
            self._end_lost(trial)
            return False
        self._held.pop(trial.run_id, None)
        self._tell(trial, lambda: self._mirror.end(trial.trial_id, state, written.value))
        return True

    def _tell_failure(self, trial: Trial, state: State, cause: Cause, reason: str) -> None:
        self._held.pop(trial.run_id, None)
        if trial.is_started:
            shown = trial.unshown
            self._tell(
                trial, lambda: self._mirror.fail(trial.trial_id, state, cause, reason, shown)
            )

    def _end_lost(self, trial: Trial) -> None:
        """End it in Optuna, where whoever took the cell over may have done so."""
        trial.lost = True
        self._held.pop(trial.run_id, None)
        self._mirror.fail(trial.trial_id, "released", "lost_lease", LOST)

    def _tell(self, trial: Trial, tell: Callable[[], None]) -> None:
        """Tell Optuna how a trial has ended; if it cannot be told, that waits for `reconcile`."""
        try:
            tell()
        except UnavailableError as error:
            if not error.transient:
                raise
        else:
            self._told.append(trial.run_id)

    def _write_epochs(self, trials: Sequence[Trial]) -> None:
        """Write histories and extend leases."""
        if not trials:
            return
        lost = self._runs.record_histories({trial.run_id: trial.unwritten for trial in trials})
        for trial in trials:
            trial.lost = trial.run_id in lost
            trial.unwritten = []

    def _show(
        self, trials: Sequence[Trial], attributes: Mapping[str, object] | None = None
    ) -> None:
        """Have Optuna show trials as far as they have come, with these attributes."""
        if not trials:
            return
        ended = self._mirror.show(
            {trial.trial_id: Shown(trial.unshown, attributes or {}) for trial in trials}
        )
        for trial in trials:
            trial.ended = trial.trial_id in ended
            trial.unshown = {}

    def _note_told(self) -> None:
        if self._told:
            self._runs.told(self._told)
            self._told.clear()
