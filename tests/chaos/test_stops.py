"""SIGSTOP: processes that are there and do nothing."""

from __future__ import annotations

import random
import signal

import psutil
import pytest

from storage.queries import TrialRow
from tests.chaos.conftest import EndsWell, MakeService
from tests.chaos.databases import Database
from tests.chaos.service import Coordinator, Service
from tests.chaos.victims import some_process
from tests.study.commands import is_gone, workers_of

STALL_SECONDS = 2
TOO_LATE = "came too late"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_stopped_worker_is_killed_at_its_stall_limit(
    database: Database, service_of: MakeService, ends_well: EndsWell
) -> None:
    service = service_of(database, trials=20, pause=0.1)
    service.start("--stall-limit", STALL_SECONDS)
    service.until_finished(5)
    stopped = _stop_in_training(service)
    service.until(lambda: is_gone(stopped), seconds=STALL_SECONDS + 5)
    found = ends_well(service, "SIGSTOP of a worker", {"worker": 1})
    (row,) = [row for row in service.rows() if row.state != "complete"]
    assert (row.state, row.cause) == ("retry", "stalled")
    assert row.worker is not None
    assert row.worker.endswith(f":{stopped.pid}")
    assert (found.finished, found.attempts) == (20, 21)


def test_a_stopped_coordinator_loses_its_cells_and_its_late_results_are_refused(
    database: Database, service_of: MakeService, ends_well: EndsWell
) -> None:
    service = service_of(database, trials=30, pause=0.3)
    stopped, other = service.start(), service.start()
    service.until_all_train()
    held = _stop_outside_transactions(service, stopped)
    service.until(lambda: _states(service, held) == {"released"})
    assert other.is_alive
    service.until(lambda: _refinished(service, held))
    stopped.process.send_signal(signal.SIGCONT)
    found = ends_well(service, "SIGSTOP of a coordinator", {"coordinator": 1})
    late = stopped.log().count(TOO_LATE)
    assert late == len(held)
    assert found.attempts == found.finished + len(held)
    taken = [row for row in service.rows() if row.run_id in held]
    assert {(row.state, row.cause) for row in taken} == {("released", "lost_lease")}


def _stop_in_training(service: Service) -> psutil.Process:
    """Stop a worker that holds a trial; one that has none by then goes on."""
    stopped: list[psutil.Process] = []

    def is_stopped() -> bool:
        worker = some_process(service, "worker", random.Random(0))
        worker.send_signal(signal.SIGSTOP)
        training = [row for row in service.rows() if row.state == "running" and row.worker]
        if any(str(row.worker).endswith(f":{worker.pid}") for row in training):
            stopped.append(worker)
        else:
            worker.send_signal(signal.SIGCONT)
        return bool(stopped)

    service.until(is_stopped)
    return stopped[0]


def _stop_outside_transactions(service: Service, coordinator: Coordinator) -> set[int]:
    """Stop a coordinator whose workers all train, while it waits for them.

    Returns:
        The runs it holds.
    """
    held: set[int] = set()

    def is_stopped() -> bool:
        coordinator.process.send_signal(signal.SIGSTOP)
        held.update(_held(service, coordinator))
        if len(held) == 2 and service.database.is_free():
            return True
        held.clear()
        coordinator.process.send_signal(signal.SIGCONT)
        return False

    service.until(is_stopped)
    return held


def _held(service: Service, coordinator: Coordinator) -> set[int]:
    workers = {f":{worker.pid}" for worker in workers_of(coordinator.pid)}

    def is_of(row: TrialRow) -> bool:
        return row.worker is not None and any(row.worker.endswith(pid) for pid in workers)

    return {row.run_id for row in service.rows() if row.state == "running" and is_of(row)}


def _states(service: Service, runs: set[int]) -> set[str]:
    return {row.state for row in service.rows() if row.run_id in runs}


def _refinished(service: Service, runs: set[int]) -> bool:
    """Whether the cells of these runs are finished by others."""
    rows = service.rows()
    cells = {row.cell for row in rows if row.run_id in runs}
    return cells <= {row.cell for row in rows if row.state == "complete"}
