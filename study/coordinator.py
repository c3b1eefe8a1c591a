"""Runs the cells of a study: feeds workers, and writes what becomes of every trial.

One thread waits for messages of workers; between messages it does what time
asks for. It never imports torch.
"""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from model.outcomes import Outcome, TrialDropped, TrialFailure, TrialResult, TrialSpec
from study.timer import Timer
from study.trials import Place, Trial
from study.worker.handle import Gone, Worker
from study.worker.messages import Answer, Epoch, Failed, Finished, Job, NoRoom, Ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.outcomes import EpochReport
    from storage.states import Cause
    from study.progress import Progress
    from study.pruning import Pruner
    from study.stop import StopSignal
    from study.supply import Supply
    from study.trials import Trials
    from study.worker.pool import Pool

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
FLUSH_SECONDS = 5.0
"""Between writes of histories and leases."""
RECONCILE_SECONDS = 10.0
"""Between looks at what other processes have done and left undone."""


class Sizes(Protocol):
    """How many trials are trained at once."""

    def stack(self, ready: Ready) -> int:
        """Most that a worker may get, from what it says of itself."""
        ...

    def job(self, stack: int, unclaimed: int) -> int:
        """Those of the next job of a worker that may get `stack`, with so many cells to go."""
        ...


class Coordinator:
    """The loop. Its workers belong to the pool, which ends them."""

    def __init__(
        self,
        trials: Trials,
        supply: Supply,
        pool: Pool,
        progress: Progress,
        spec: Callable[[Trial], TrialSpec],
        sizes: Sizes,
        pruner: Pruner,
    ) -> None:
        """Prepare to run.

        Args:
            trials: where claims and outcomes are written.
            supply: the cells to run.
            pool: the workers; those not ready yet get jobs when they are.
            progress: is told what happens.
            spec: what a worker is told of a trial.
            sizes: how many trials a worker trains at once.
            pruner: says which trials go no further.
        """
        self._trials = trials
        self._supply = supply
        self._pool = pool
        self._progress = progress
        self._spec = spec
        self._sizes = sizes
        self._pruner = pruner
        self._places: dict[Worker, Place] = {}
        self._stacks: dict[Worker, int] = {}
        self._jobs: dict[Worker, dict[str, Trial]] = {}
        self._flush = Timer(FLUSH_SECONDS)
        self._reconcile = Timer(RECONCILE_SECONDS)

    def run(self, stop: StopSignal) -> None:
        """Run until every cell is finished, or told to stop.

        Nothing is held when it returns or raises: what ran is released.

        Raises:
            WorkerError: a worker that cannot start.
            StorageError: the database was lost.
        """
        try:
            while not stop.requested and not self._is_done():
                self._hand_out()
                for worker, answer in self._pool.answers(stop, TICK_SECONDS):
                    self.take(worker, answer)
                self._upkeep()
            self._progress.counted(self._supply.counts())
        finally:
            self._progress.close()
            self._pool.end()
            self._trials.release_all("interrupted", "the run was stopped")

    def take(self, worker: Worker, answer: Answer | Gone) -> None:
        """Act on what a worker says."""
        if worker not in self._places:
            ready = self._pool.started(worker, answer)
            if ready is not None:
                self._places[worker] = Place(f"{socket.gethostname()}:{ready.pid}", ready.device)
                self._stacks[worker] = self._sizes.stack(ready)
            return
        match answer:
            case Epoch(reports):
                self._note_epoch(worker, reports)
            case Finished(outcomes):
                self._settle(worker, outcomes)
            case NoRoom(cause, reason):
                self._halve(worker, cause, reason)
            case Failed(reason):
                self._fail(worker, "exception", reason)
            case Gone(reason):
                self._fail(worker, "crashed", reason)
            case _:
                raise AssertionError(f"worker {worker.pid} said {answer} between jobs")

    def _is_done(self) -> bool:
        return not self._jobs and self._supply.is_exhausted()

    def _hand_out(self) -> None:
        """Give every idle worker a job, as long as there are any."""
        for worker, place in self._places.items():
            if worker in self._jobs:
                continue
            size = self._sizes.job(self._stacks[worker], self._supply.unclaimed())
            claimed = self._supply.next_job(size)
            if not claimed:
                return
            trials = self._trials.start(claimed, place)
            if trials:
                self._jobs[worker] = {trial.key: trial for trial in trials}
                worker.train(Job([self._spec(trial) for trial in trials]))

    def _note_epoch(self, worker: Worker, reports: Sequence[EpochReport]) -> None:
        job = self._jobs[worker]
        goes_on = {r.key: self._trials.report(job[r.key], r) for r in reports}
        dropped = frozenset(key for key, on in goes_on.items() if not on)
        dropped |= self._pruner.drops(job[r.key] for r in reports)
        if dropped:
            worker.drop(dropped)

    def _settle(self, worker: Worker, outcomes: Sequence[Outcome]) -> None:
        """Write what became of a job."""
        job = self._jobs.pop(worker)
        place = self._places[worker]
        for outcome in outcomes:
            trial = job[outcome.key]
            match outcome:
                case TrialResult():
                    if self._is_in_time(trial, self._trials.complete(trial, outcome, place)):
                        self._supply.finished(trial.cell, "complete")
                        self._progress.finished(trial.cell.arm, trial.value)
                case TrialDropped():
                    if self._is_in_time(trial, self._trials.prune(trial, outcome.seconds, place)):
                        self._supply.finished(trial.cell, "pruned")
                        self._progress.pruned()
                case TrialFailure():
                    self._note_failure(
                        trial, outcome.cause, _text(outcome), worker, outcome.seconds
                    )

    def _halve(self, worker: Worker, cause: Cause, reason: str) -> None:
        """Have a job that did not fit run again in halves, and give this worker no larger one."""
        job = self._jobs[worker]
        if len(job) == 1:
            self._fail(worker, cause, reason)
            return
        self._supply.give_back(self._jobs.pop(worker).values())
        self._stacks[worker] = math.ceil(len(job) / 2)
        log.warning(
            "%d trials at once did not fit (%s); this worker goes on with %d: %s",
            len(job),
            cause,
            self._stacks[worker],
            reason,
        )

    def _fail(self, worker: Worker, cause: Cause, reason: str) -> None:
        """Write that a job failed as a whole, and have another process take the worker's place."""
        for trial in self._jobs.pop(worker, {}).values():
            self._note_failure(trial, cause, reason, worker)
        del self._places[worker], self._stacks[worker]
        self._pool.replace(worker)
        self._supply.look_again()

    def _is_in_time(self, trial: Trial, is_written: bool) -> bool:
        if not is_written:
            log.warning("a result of %s came too late: the cell was taken over", trial.cell.arm)
        return is_written

    def _note_failure(
        self,
        trial: Trial,
        cause: Cause,
        reason: str,
        worker: Worker,
        seconds: float | None = None,
    ) -> None:
        state = self._trials.fail(trial, cause, reason, worker.log_tail(), seconds)
        if state == "failed":
            self._supply.finished(trial.cell, state)
            self._progress.failed()
        log.warning(
            "trial %d (%s) failed, %s: %s; %s",
            trial.number,
            trial.cell.arm,
            cause,
            reason.strip().splitlines()[-1],
            "its cell will be tried again" if state == "retry" else "for good",
        )

    def _upkeep(self) -> None:
        """Do what time asks for."""
        flush, reconcile = self._flush.is_due(), self._reconcile.is_due()
        if reconcile:
            self._trials.reconcile()
            self._supply.look_up()
            self._progress.counted(self._supply.counts())
        elif flush:
            self._trials.flush()
        running = [trial for job in self._jobs.values() for trial in job.values()]
        self._progress.show([(trial.cell.arm, trial.epoch) for trial in running])


def _text(failure: TrialFailure) -> str:
    return f"{failure.term} was not finite in epoch {failure.epoch}, fold {failure.fold}"
