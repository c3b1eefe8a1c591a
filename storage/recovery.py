"""What a process that died in between has left undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import select, update

from storage.clock import EpochNow
from storage.engine import reading, retried
from storage.rows import Holder, LostRun, Untold
from storage.states import State
from storage.tables import TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row
    from sqlalchemy.orm import Session

    from storage.leases import Watch

IsAlive = Callable[[Holder], bool | None]
"""Whether a process lives; None if that cannot be told from here."""

_PROCESS = (
    TrialRun.holder,
    TrialRun.host,
    TrialRun.boot,
    TrialRun.pid,
    TrialRun.process_started,
)
"""Columns of a `Holder`."""


class Abandoned(NamedTuple):
    """A running run whose holder is gone, and the lease it was seen with."""

    run: LostRun
    lease: float


def abandoned(engine: Engine, study_id: int, is_alive: IsAlive, watch: Watch) -> list[Abandoned]:
    """Runs whose lease has run out, or whose holder is known to be dead."""
    columns = (
        TrialRun.id,
        TrialRun.trial_id,
        TrialRun.number,
        TrialRun.cell,
        TrialRun.arm,
        TrialRun.lease_expires,
        *_PROCESS,
    )
    query = select(*columns).where(TrialRun.study_id == study_id, TrialRun.state == "running")
    with reading(engine) as session:
        rows = session.execute(query).all()
    expired = watch.expired({row.id: row.lease_expires for row in rows})
    found = []
    alive: dict[Holder, bool | None] = {}
    for row in rows:
        holder = _holder(row)
        if holder not in alive:
            alive[holder] = is_alive(holder)
        if row.id in expired:
            reason = f"lease ran out: nothing heard from {holder.host}, pid {holder.pid}"
        elif alive[holder] is False:
            reason = f"the process that held it is gone: {holder.host}, pid {holder.pid}"
        else:
            continue
        run = LostRun(row.id, row.trial_id, row.number, row.cell, row.arm, holder, reason)
        found.append(Abandoned(run, row.lease_expires))
    return found


def taken(session: Session, lost: Abandoned) -> bool:
    """Release a run unless it ended, or its lease was renewed, since it was looked at."""
    unchanged = (
        TrialRun.id == lost.run.run_id,
        TrialRun.state == "running",
        TrialRun.lease_expires == lost.lease,
    )
    values = ended("released", {"cause": "lost_lease", "reason": lost.run.reason})
    released = update(TrialRun).where(*unchanged).values(values).returning(TrialRun.id)
    return session.scalar(released) is not None


def ended(state: State, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a run that ends now."""
    return {"state": state, "ended": EpochNow(), **values}


@retried
def silent_runs(engine: Engine, study_id: int, is_alive: IsAlive = lambda _: None) -> set[int]:
    """Running attempts of which nothing more is to be expected, as far as one look tells.

    Those are the ones whose process is known to be gone, and on PostgreSQL those whose
    lease has run out by the server's clock, which wrote it. On SQLite the holder's
    machine wrote it: one look cannot tell a late lease from a clock that differs.
    """
    by_lease = engine.dialect.name == "postgresql"
    columns = (TrialRun.id, (TrialRun.lease_expires < EpochNow()).label("late"), *_PROCESS)
    query = select(*columns).where(TrialRun.study_id == study_id, TrialRun.state == "running")
    with reading(engine) as session:
        rows = session.execute(query).all()
    return {row.id for row in rows if (by_lease and row.late) or is_alive(_holder(row)) is False}


@retried
def untold(engine: Engine, study_id: int) -> list[Untold]:
    """Ended runs of which nobody has noted that Optuna knows."""
    columns = (
        TrialRun.id,
        TrialRun.trial_id,
        TrialRun.state,
        TrialRun.value,
        TrialRun.cause,
        TrialRun.reason,
    )
    query = select(*columns).where(
        TrialRun.study_id == study_id,
        TrialRun.told.is_(False),
        TrialRun.state != "running",
        TrialRun.trial_id.is_not(None),
    )
    with reading(engine) as session:
        return [
            Untold(run_id, cast("int", trial_id), cast("State", state), value, cause, reason)
            for run_id, trial_id, state, value, cause, reason in session.execute(query)
        ]


@retried
def orphans(engine: Engine, study_id: int, trials: Mapping[int, int | None]) -> set[int]:
    """Of Optuna's RUNNING trials, with the run each was made for, those nobody will end."""
    run_ids = {run_id for run_id in trials.values() if run_id is not None}
    query = select(TrialRun.id, TrialRun.trial_id, TrialRun.state).where(
        TrialRun.study_id == study_id, TrialRun.id.in_(run_ids)
    )
    with reading(engine) as session:
        runs = {run_id: (trial_id, state) for run_id, trial_id, state in session.execute(query)}
    return {
        trial_id
        for trial_id, run_id in trials.items()
        if run_id not in runs or _is_orphan(trial_id, *runs[run_id])
    }


def _holder(row: Row[*tuple[Any, ...]]) -> Holder:
    return Holder(row.holder, row.host, row.boot, row.pid, row.process_started)


def _is_orphan(trial_id: int, attached: int | None, state: str) -> bool:
    """A run still held may yet be attached; an ended one with this trial is `untold`."""
    if attached is None:
        return state != "running"
    return attached != trial_id
