"""Claims: who holds a cell, and until when."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, text, update

from storage.clock import EpochNow
from storage.engine import retried, writing
from storage.errors import StudyMissing
from storage.leases import LEASE_SECONDS, Watch
from storage.recovery import IsAlive, abandoned, taken
from storage.rows import CellRef, Claim, Fingerprints, Holder, LostRun
from storage.tables import HELD_SQL, StudyRecord, TrialRun, table_of

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

LOOK_AT = 64
"""Cells that are looked at together in search of a free one."""

_run = table_of(TrialRun)
_HELD_OF = select(_run.c.cell).where(
    _run.c.study_id == bindparam("study"),
    _run.c.cell.in_(bindparam("cells", expanding=True)),
    text(HELD_SQL),
)
_UNANSWERED = (
    select(_run.c.id, _run.c.attempt, _run.c.cell, _run.c.arm, _run.c.repeat, _run.c.params)
    .where(
        _run.c.id > bindparam("last"),
        _run.c.study_id == bindparam("study"),
        _run.c.holder == bindparam("by"),
        _run.c.state == "running",
    )
    .order_by(_run.c.id)
)
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
"""Runs at every flush: putting the statement together costs more than executing it."""


class Claims:
    """The cells of one study as one process claims, holds and loses them."""

    def __init__(
        self,
        engine: Engine,
        study_id: int,
        holder: Holder,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet.

        Args:
            engine: of the database.
            study_id: Optuna's.
            holder: this process.
            lease_seconds: how long a claim stands without being renewed.
            clock: seconds that only go forward, by which others' leases are judged.
        """
        self._engine = engine
        self._study_id = study_id
        self._holder = holder
        self._lease_seconds = lease_seconds
        self._watch = Watch(lease_seconds, clock)
        self._last_run = 0

    @retried
    def claim(
        self, cells: Collection[CellRef], limit: int, fingerprints: Fingerprints
    ) -> list[Claim]:
        """Claim the first `limit` cells that nobody holds and nobody has finished.

        It looks no further than it has to: the fewer of the first cells are
        finished, the less it takes. Claims of an earlier call whose answer was lost
        with the connection come first, and alone.

        Raises:
            StudyMissing: the study was never recorded.
        """
        with writing(self._engine) as session:
            self._lock_study(session)
            claims = self._unanswered(session)[:limit]
            if not claims:
                claims = self._add(session, self._free(session, cells, limit), fingerprints)
        self._last_run = max([self._last_run, *(claim.run_id for claim in claims)])
        return claims

    @retried
    def attach(
        self,
        trials: Mapping[int, tuple[int, int]],
        worker: str | None = None,
        device: str | None = None,
    ) -> set[int]:
        """Tie claims to the Optuna trials made for them, and note who trains them.

        Args:
            trials: id and number of the trial, by run.
            worker: who trains them.
            device: on what.

        Returns:
            The runs whose claim is lost; end their Optuna trials as FAIL.
        """
        by = {"worker": worker, "device": device}
        held: set[int] = set()
        with writing(self._engine) as session:
            for run_id, (trial_id, number) in trials.items():
                values = {"trial_id": trial_id, "number": number, **by}
                held |= self._change(session, [run_id], values).keys()
        return trials.keys() - held

    @retried
    def reap(self, is_alive: IsAlive) -> list[LostRun]:
        """Take runs from holders that are gone: state released, cause lost_lease.

        A holder is gone if `is_alive` says False (None: not known), or if this process
        has seen the run's lease stay the same for as long as a lease lasts, so it has
        to look again and again: see `storage.leases`. The caller ends their Optuna
        trials as FAIL; of runs taken by a call whose answer was lost, `untold` tells.
        """
        found = abandoned(self._engine, self._study_id, is_alive, self._watch)
        if not found:
            return []
        with writing(self._engine) as session:
            return [lost.run for lost in found if taken(session, lost)]

    def _lock_study(self, session: Session) -> None:
        """Let one process at a time claim cells of this study (SQLite does by itself)."""
        record = select(StudyRecord.study_id).where(StudyRecord.study_id == self._study_id)
        if session.scalar(record.with_for_update(key_share=True)) is None:
            known = list(session.scalars(select(StudyRecord.name)))
            raise StudyMissing(f"a study of id {self._study_id}", known)

    def _unanswered(self, session: Session) -> list[Claim]:
        """Claims of this process that it does not know of, in the order they were made."""
        known = {"last": self._last_run, "study": self._study_id, "by": self._holder.id}
        return [
            Claim(run_id, CellRef(*cell), attempt)
            for run_id, attempt, *cell in session.execute(_UNANSWERED, known)
        ]

    def _add(
        self, session: Session, cells: Sequence[CellRef], fingerprints: Fingerprints
    ) -> list[Claim]:
        """Claim these cells, all of which are free."""
        if not cells:
            return []
        retries = self._retries(session, cells)
        now = session.scalar(select(EpochNow()))
        assert now is not None
        times = {"started": now, "lease_expires": now + self._lease_seconds}
        rows = [
            self._row(cell, retries.get(cell.hash, 0) + 1, fingerprints) | times for cell in cells
        ]
        returned = insert(_run).returning(_run.c.cell, _run.c.id, _run.c.attempt)
        run_of = {cell: (run, attempt) for cell, run, attempt in session.execute(returned, rows)}
        return [
            Claim(run_id, cell, attempt)
            for cell in cells
            for run_id, attempt in [run_of[cell.hash]]
        ]

    def _free(self, session: Session, cells: Collection[CellRef], limit: int) -> list[CellRef]:
        """The first `limit` cells that are free."""
        free: list[CellRef] = []
        left = iter(cells)
        while len(free) < limit and (some := list(islice(left, LOOK_AT))):
            query = {"study": self._study_id, "cells": [cell.hash for cell in some]}
            held = set(session.scalars(_HELD_OF, query))
            free += [cell for cell in some if cell.hash not in held]
        return free[:limit]

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
            _run.c.id.in_(run_ids),
            _run.c.study_id == self._study_id,
            _run.c.holder == self._holder.id,
            _run.c.state == "running",
        )
        changed = update(_run).where(*held).values(values)
        rows = session.execute(changed.returning(_run.c.id, _run.c.trial_id))
        return {row.id: row.trial_id for row in rows}
