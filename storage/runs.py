"""Claims, leases and outcomes of trials.

A claim is a row of `trial_run` in state running. A partial unique index allows
one running or finished row a cell, so the database itself refuses a second
claim. Every method is one transaction, may be run twice without harm (a commit
can succeed although its connection was lost), and is retried for a few seconds
while the database is locked or out of reach.

Optuna and this table are told one after the other, so a process may die in
between:

- after the claim, before the Optuna trial: the lease runs out, nothing else to do;
- after the Optuna trial, before `attach`: `orphans` finds the trial;
- after the outcome, before Optuna was told: `untold` finds the run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from sqlalchemy import func, select, update

from storage import recovery
from storage.claims import Claims
from storage.engine import reading, retried, writing
from storage.errors import ClaimLost
from storage.outcomes import insert_epochs, insert_folds, storable
from storage.recovery import ended
from storage.rows import (
    CellRef,
    Claim,
    EpochRow,
    Fingerprints,
    FoldRow,
    Holder,
    LostRun,
    RunResult,
    Untold,
)
from storage.states import FINISHED, Cause, State
from storage.tables import TrialRun, table_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

__all__ = [
    "CellRef",
    "Claim",
    "EpochRow",
    "Fingerprints",
    "FoldRow",
    "Holder",
    "LostRun",
    "RunResult",
    "Runs",
    "Untold",
]


_run = table_of(TrialRun)


class _Run(NamedTuple):
    state: str
    attempt: int


class Runs(Claims):
    """The trials of one study as one process sees them: claims, and what came of them."""

    def record_epochs(self, run_id: int, rows: Sequence[EpochRow]) -> bool:
        """Write histories of a run and extend its lease. False if the claim is lost.

        Rows of a fold and epoch that are there already stay as they are.
        """
        return not self.record_histories({run_id: rows})

    @retried
    def record_histories(self, histories: Mapping[int, Sequence[EpochRow]]) -> set[int]:
        """`record_epochs` for several runs in one transaction. Returns those whose claim is lost.

        Leases are extended without histories too, also of runs not attached yet.

        A transaction costs more than its rows: a stack's trials, or several
        epochs, are best written together.
        """
        with writing(self._engine) as session:
            held = self._extend(session, histories)
            rows = {
                _attached(run, trial): histories[run]
                for run, trial in held.items()
                if histories[run]
            }
            insert_epochs(session, rows)
        return set(histories) - held.keys()

    @retried
    def complete(
        self,
        run_id: int,
        result: RunResult,
        state: Literal["complete", "pruned"] = "complete",
    ) -> bool:
        """Write what a run leaves behind: folds, predictions, histories and its state, or nothing.

        False, and nothing is written, if the claim no longer stands: a late
        result is refused. True if this result was delivered before.
        """
        values = {
            "value": result.value,
            "device_seconds": result.device_seconds,
            "worker": result.worker,
            "device": result.device,
        }
        with writing(self._engine) as session:
            held = self._change(session, [run_id], ended(state, values))
            if not held:
                run = self._mine(session, run_id)
                return run is not None and run.state == state
            trial_id = _attached(run_id, held[run_id])
            insert_folds(session, trial_id, result.folds)
            insert_epochs(session, {trial_id: result.epochs})
        return True

    @retried
    def fail(
        self,
        run_id: int,
        cause: Cause,
        reason: str,
        log_tail: str | None,
        final: bool,
        max_attempts: int = 3,
        device_seconds: float | None = None,
    ) -> Literal["retry", "failed"]:
        """End a run that failed: for good if `final` or at its last attempt, else to be retried.

        Raises:
            ClaimLost: the claim no longer stands.
        """
        values = {
            "cause": cause,
            "reason": storable(reason),
            "log_tail": storable(log_tail),
            "device_seconds": device_seconds,
        }
        with writing(self._engine) as session:
            run = self._mine(session, run_id)
            if run is None:
                raise ClaimLost(run_id)
            state: Literal["retry", "failed"] = (
                "failed" if final or run.attempt >= max_attempts else "retry"
            )
            if run.state != state and not self._change(session, [run_id], ended(state, values)):
                raise ClaimLost(run_id)
        return state

    @retried
    def release(
        self,
        run_id: int,
        cause: Cause,
        reason: str | None = None,
        log_tail: str | None = None,
    ) -> bool:
        """Give a run back unfinished; it counts as no attempt. False if the claim is lost."""
        values = {"cause": cause, "reason": storable(reason), "log_tail": storable(log_tail)}
        with writing(self._engine) as session:
            if self._change(session, [run_id], ended("released", values)):
                return True
            run = self._mine(session, run_id)
            return run is not None and run.state == "released"

    @retried
    def finished(self) -> dict[str, State]:
        """Every finished cell of the study, and how it ended."""
        query = select(_run.c.cell, _run.c.state).where(*self._is_finished())
        with reading(self._engine) as session:
            return {cell: cast("State", state) for cell, state in session.execute(query)}

    @retried
    def count_finished(self) -> int:
        """How many cells of the study are finished."""
        query = select(func.count()).select_from(_run).where(*self._is_finished())
        with reading(self._engine) as session:
            return session.scalar(query) or 0

    def untold(self) -> list[Untold]:
        """Runs that have ended while their Optuna trial may still be RUNNING.

        Whoever ended one is about to tell Optuna, so two may try: the second
        finds the trial finished and only has to say `told`.
        """
        return recovery.untold(self._engine, self._study_id)

    @retried
    def told(self, run_ids: Collection[int]) -> None:
        """Note that Optuna knows how these runs ended."""
        with writing(self._engine) as session:
            session.execute(
                update(_run)
                .where(_run.c.study_id == self._study_id, _run.c.id.in_(run_ids))
                .values(told=True)
            )

    def orphans(self, trials: Mapping[int, int | None]) -> set[int]:
        """Of the trials Optuna holds as RUNNING, those that nobody will ever end.

        Args:
            trials: trial id -> the run it was made for (its user attribute `run`), or None.

        A trial whose run is still held may be attached in a moment and is none
        of them; one whose run has ended without it, or never was, is. Ended
        runs that do have their trial are for `untold`.
        """
        return recovery.orphans(self._engine, self._study_id, trials)

    def _is_finished(self) -> tuple[ColumnElement[bool], ...]:
        return _run.c.study_id == self._study_id, _run.c.state.in_(FINISHED)

    def _mine(self, session: Session, run_id: int) -> _Run | None:
        """A run that this process claimed, whatever has become of it."""
        row = session.execute(
            select(TrialRun.state, TrialRun.attempt).where(
                TrialRun.id == run_id,
                TrialRun.study_id == self._study_id,
                TrialRun.holder == self._holder.id,
            )
        ).one_or_none()
        return None if row is None else _Run(*row)


def _attached(run_id: int, trial_id: int | None) -> int:
    if trial_id is None:
        raise ValueError(f"run {run_id} has no Optuna trial yet: expected attach() before")
    return trial_id
