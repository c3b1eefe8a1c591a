"""Claims: who holds a cell, and until when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, update

from storage.clock import EpochNow
from storage.engine import retried, writing
from storage.errors import ClaimLost, StudyMissing
from storage.recovery import abandoned
from storage.rows import CellRef, Claim, Fingerprints, Holder, LostRun
from storage.tables import HELD, State, StudyRecord, TrialRun, table_of

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

_run = table_of(TrialRun)
_EXTEND = (
    update(_run)
    .where(
        _run.c.id.in_(bindparam("runs", expanding=True)),
        _run.c.study_id == bindparam("study"),
        _run.c.holder == bindparam("by"),
        _run.c.state == "running",
    )
    .values(lease_expires=EpochNow() + bindparam("seconds"))
    .returning(_run.c.id, _run.c.trial_id)
)
"""Runs once an epoch: putting the statement together costs more than executing it."""


class Claims:
    """The cells of one study as one process claims, holds and loses them."""

    def __init__(
        self, engine: Engine, study_id: int, holder: Holder, lease_seconds: float = 60.0
    ) -> None:
        self._engine = engine
        self._study_id = study_id
        self._holder = holder
        self._lease_seconds = lease_seconds

    @retried
    def claim(
        self, cells: Sequence[CellRef], limit: int, fingerprints: Fingerprints
    ) -> list[Claim]:
        """Claim the first `limit` cells that nobody holds and nobody has finished.

        Raises:
            StudyMissing: the study was never recorded.
        """
        with writing(self._engine) as session:
            self._lock_study(session)
            held = self._held_cells(session)
            free = {cell.hash: cell for cell in cells if cell.hash not in held}
            wanted = list(islice(free.values(), limit))
            if not wanted:
                return []
            retries = self._retries(session, wanted)
            now = session.scalar(select(EpochNow()))
            assert now is not None
            times = {"started": now, "lease_expires": now + self._lease_seconds}
            rows = [
                self._row(cell, retries.get(cell.hash, 0) + 1, fingerprints) | times
                for cell in wanted
            ]
            added = session.execute(
                insert(TrialRun).returning(TrialRun.cell, TrialRun.id, TrialRun.attempt), rows
            )
            run_of = {cell: (run_id, attempt) for cell, run_id, attempt in added}
        return [
            Claim(run_id, cell, attempt)
            for cell in wanted
            for run_id, attempt in [run_of[cell.hash]]
        ]

    @retried
    def attach(self, run_id: int, trial_id: int, number: int) -> None:
        """Tie a claim to the Optuna trial made for it.

        Raises:
            ClaimLost: the claim no longer stands; end the Optuna trial as FAIL.
        """
        with writing(self._engine) as session:
            held = self._change(session, [run_id], {"trial_id": trial_id, "number": number})
        if not held:
            raise ClaimLost(run_id)

    @retried
    def assign(self, run_ids: Collection[int], worker: str, device: str) -> set[int]:
        """Note who trains these runs. Returns those whose claim is lost."""
        with writing(self._engine) as session:
            held = self._change(session, run_ids, {"worker": worker, "device": device})
        return set(run_ids) - held.keys()

    @retried
    def renew(self, run_ids: Collection[int]) -> set[int]:
        """Extend the leases of these runs. Returns those whose claim is lost."""
        with writing(self._engine) as session:
            held = self._extend(session, run_ids)
        return set(run_ids) - held.keys()

    @retried
    def reap(self, is_alive: Callable[[Holder], bool | None]) -> list[LostRun]:
        """Take runs from holders that are gone: state released, cause lost_lease.

        A holder is gone if `is_alive` says False (None: not known), or if a
        run's lease has expired. The caller ends their Optuna trials as FAIL.
        """
        found = abandoned(self._engine, self._study_id, is_alive)
        if not found:
            return []
        with writing(self._engine) as session:
            return [run for run, lease in found if _taken(session, run, lease)]

    def _lock_study(self, session: Session) -> None:
        """Let one process at a time claim cells of this study (SQLite does by itself)."""
        record = select(StudyRecord.study_id).where(StudyRecord.study_id == self._study_id)
        if session.scalar(record.with_for_update(key_share=True)) is None:
            known = list(session.scalars(select(StudyRecord.name)))
            raise StudyMissing(f"a study of id {self._study_id}", known)

    def _held_cells(self, session: Session) -> set[str]:
        cells = select(TrialRun.cell).where(
            TrialRun.study_id == self._study_id, TrialRun.state.in_(HELD)
        )
        return set(session.scalars(cells))

    def _retries(self, session: Session, cells: Sequence[CellRef]) -> dict[str, int]:
        rows = session.execute(
            select(TrialRun.cell, func.count().label("tries"))
            .where(
                TrialRun.study_id == self._study_id,
                TrialRun.state == "retry",
                TrialRun.cell.in_([cell.hash for cell in cells]),
            )
            .group_by(TrialRun.cell)
        )
        return {row.cell: row.tries for row in rows}

    def _row(self, claim: CellRef, attempt: int, made_of: Fingerprints) -> dict[str, Any]:
        return {
            "study_id": self._study_id,
            "cell": claim.hash,
            "arm": claim.arm,
            "repeat": claim.repeat,
            "params": dict(claim.params),
            "state": "running",
            "attempt": attempt,
            "holder": self._holder.id,
            "host": self._holder.host,
            "boot": self._holder.boot,
            "pid": self._holder.pid,
            "process_started": self._holder.started,
            "code_hash": made_of.code,
            "data_hash": made_of.data,
            "config_hash": made_of.config,
            "environment": dict(made_of.environment),
        }

    def _extend(self, session: Session, run_ids: Collection[int]) -> dict[int, int | None]:
        """Extend leases of runs that this process holds; returns their Optuna trials by run."""
        values = {
            "runs": list(run_ids),
            "study": self._study_id,
            "by": self._holder.id,
            "seconds": self._lease_seconds,
        }
        return {row.id: row.trial_id for row in session.execute(_EXTEND, values)}

    def _change(
        self, session: Session, run_ids: Collection[int], values: Mapping[str, Any]
    ) -> dict[int, int | None]:
        """Change runs that this process holds; returns their Optuna trials by run."""
        held = (
            TrialRun.id.in_(run_ids),
            TrialRun.study_id == self._study_id,
            TrialRun.holder == self._holder.id,
            TrialRun.state == "running",
        )
        changed = update(TrialRun).where(*held).values(values)
        rows = session.execute(changed.returning(TrialRun.id, TrialRun.trial_id))
        return {row.id: row.trial_id for row in rows}


def ended(state: State, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a run that ends now."""
    return {"state": state, "ended": EpochNow(), **values}


def _taken(session: Session, run: LostRun, lease: float) -> bool:
    """Release a run unless it ended, or its lease was renewed, since it was looked at."""
    unchanged = (
        TrialRun.id == run.run_id,
        TrialRun.state == "running",
        TrialRun.lease_expires == lease,
    )
    values = ended("released", {"cause": "lost_lease", "reason": run.reason})
    released = update(TrialRun).where(*unchanged).values(values).returning(TrialRun.id)
    return session.scalar(released) is not None
