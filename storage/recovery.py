"""What a process that died in between has left undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from sqlalchemy import select

from storage.clock import EpochNow
from storage.engine import reading
from storage.rows import Holder, LostRun, Untold
from storage.states import State
from storage.tables import TrialRun

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Abandoned(NamedTuple):
    """A running run whose holder is gone, and the lease it was seen with."""

    run: LostRun
    lease: float


def abandoned(
    engine: Engine, study_id: int, is_alive: Callable[[Holder], bool | None]
) -> list[Abandoned]:
    """Runs whose lease has expired, or whose holder is known to be dead."""
    columns = (
        TrialRun.id,
        TrialRun.trial_id,
        TrialRun.number,
        TrialRun.cell,
        TrialRun.arm,
        TrialRun.lease_expires,
        EpochNow().label("now"),
        TrialRun.holder,
        TrialRun.host,
        TrialRun.boot,
        TrialRun.pid,
        TrialRun.process_started,
    )
    query = select(*columns).where(TrialRun.study_id == study_id, TrialRun.state == "running")
    with reading(engine) as session:
        rows = session.execute(query).all()
    found = []
    alive: dict[Holder, bool | None] = {}
    for run_id, trial_id, number, cell, arm, lease, now, *process in rows:
        holder = Holder(*process)
        if holder not in alive:
            alive[holder] = is_alive(holder)
        if lease < now:
            reason = f"lease ran out: nothing heard from {holder.host}, pid {holder.pid}"
        elif alive[holder] is False:
            reason = f"the process that held it is gone: {holder.host}, pid {holder.pid}"
        else:
            continue
        run = LostRun(run_id, trial_id, number, cell, arm, holder, reason)
        found.append(Abandoned(run, lease))
    return found


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


def _is_orphan(trial_id: int, attached: int | None, state: str) -> bool:
    """A run still held may yet be attached; an ended one with this trial is `untold`."""
    if attached is None:
        return state != "running"
    return attached != trial_id
