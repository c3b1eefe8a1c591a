"""Runs the cells of a study: feeds workers, and writes what becomes of every trial.

One thread takes turns: it writes to the database and claims, then waits for
messages of workers. Only the first needs the database; while that is away, the
second goes on and what there is to write is kept. It never imports torch.
"""

from __future__ import annotations

import logging
import math
import signal
from typing import TYPE_CHECKING

from model.outcomes import Outcome, TrialFailure
from storage.errors import UnavailableError
from study.jobs import Jobs
from study.logs import about
from study.outage import Outage
from study.outbox import Ended, Failure, Outbox
from study.rules import CellsLeft
from study.timer import Timer
from study.worker.handle import Gone, Worker
from study.worker.messages import Answer, Epoch, Failed, Finished, NoRoom
from study.worker.pool import START_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.outcomes import EpochReport
    from storage.states import Cause
    from study.progress import Progress
    from study.rules import Rules
    from study.stop import StopSignal
    from study.supply import Supply
    from study.trial import Trial
    from study.trials import Trials
    from study.worker.pool import Pool

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
FLUSH_SECONDS = 5.0
"""Between writes of histories and leases."""
RECONCILE_SECONDS = 10.0
"""Between looks at what other processes have done and left undone."""


class Coordinator:
    """The loop. Its workers belong to the pool, which ends them."""

    def __init__(
        self, trials: Trials, supply: Supply, pool: Pool, progress: Progress, rules: Rules
    ) -> None:
        """Prepare to run.

        Args:
            trials: where claims and outcomes are written.
            supply: the cells to run.
            pool: the workers; those not ready yet get jobs when they are.
            progress: is told what happens.
            rules: what to go by.
        """
        self._trials = trials
        self._supply = supply
        self._pool = pool
        self._progress = progress
        self._rules = rules
        self._outbox = Outbox(trials, supply, progress)
        self._outage = Outage(rules.outage_limit)
        self._jobs = Jobs(rules.limits)
        self._unjudged: list[tuple[Worker, list[Trial]]] = []
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
            while True:
                self._turn_to_database()
                if stop.requested or self._is_done():
                    break
                for worker, answer in self._pool.answers(stop, TICK_SECONDS):
                    self.take(worker, answer)
                self._end_overdue()
        finally:
            self._leave()

    def take(self, worker: Worker, answer: Answer | Gone) -> None:
        """Act on what a worker says. Nothing of it needs the database."""
        if worker not in self._jobs:
            ready = self._pool.started(worker, answer)
            if ready is not None:
                self._jobs.add(worker, ready, self._rules.sizes.stack(ready))
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
            case Gone(reason, killed_by):
                short = killed_by == signal.SIGKILL
                self._fail(worker, "host_memory" if short else "crashed", reason)
            case _:
                raise AssertionError(f"worker {worker.pid} said {answer} between jobs")

    def _is_done(self) -> bool:
        busy = any(self._jobs.trials()) or self._outbox or self._supply.left()
        return self._supply.is_last_stage and not busy

    def _turn_to_database(self) -> None:
        """Write what there is to write and give idle workers jobs, unless there is an outage."""
        if not self._outage.is_waiting():
            with self._outage.bridged():
                if self._outage.is_on:
                    self._trials.flush()  # leases first, some may have run out
                self._outbox.write()
                self._judge()
                self._next_stage()
                self._hand_out()
                self._upkeep()
        self._progress.show([(trial.cell.arm, trial.epoch) for _, trial in self._jobs.trials()])

    def _next_stage(self) -> None:
        """Take up the cells that the results of the last stage ask for."""
        while self._supply.go_on():
            self._progress.expect(self._supply.total())
            self._progress.counted(self._supply.counts())

    def _hand_out(self) -> None:
        """Give every idle worker a job, as long as there are any."""
        for worker in self._jobs.idle():
            left = CellsLeft(self._supply.unclaimed(), self._supply.of_stage())
            size = self._rules.sizes.job(self._jobs.stack(worker), left)
            claimed = self._supply.next_job(size)
            if not claimed:
                return
            try:
                trials = self._trials.start(claimed, self._jobs.place(worker))
            except UnavailableError:
                self._supply.give_back(claimed)
                raise
            if trials:
                specs = [self._rules.spec(trial) for trial in trials]
                self._jobs.begin(worker, {trial.key: trial for trial in trials}, specs)

    def _note_epoch(self, worker: Worker, reports: Sequence[EpochReport]) -> None:
        job = self._jobs.hear(worker)
        goes_on = {r.key: self._trials.report(job[r.key], r) for r in reports}
        stopped = frozenset(key for key, on in goes_on.items() if not on)
        if stopped:
            worker.drop(stopped)
        due = self._rules.pruner.due(job[r.key] for r in reports)
        if due:
            self._unjudged.append((worker, due))

    def _judge(self) -> None:
        """Have trials that lag behind go no further."""
        while self._unjudged:
            worker, due = self._unjudged[0]
            dropped = self._rules.pruner.drops(due) & self._jobs.of(worker).keys()
            if dropped:
                worker.drop(dropped)
            self._unjudged.pop(0)

    def _settle(self, worker: Worker, outcomes: Sequence[Outcome]) -> None:
        """Keep what became of a job, to be written."""
        job = self._jobs.end(worker, is_done=True)
        for outcome in outcomes:
            ended = _failure(outcome, worker) if isinstance(outcome, TrialFailure) else outcome
            self._outbox.put(Ended(job[outcome.key], ended, self._jobs.place(worker)))

    def _halve(self, worker: Worker, cause: Cause, reason: str) -> None:
        """Have a job that did not fit run again in halves, and give this worker no larger one."""
        count = len(self._jobs.of(worker))
        if count == 1:
            self._fail(worker, cause, reason)
            return
        self._supply.give_back(self._jobs.end(worker, is_done=False).values())
        self._jobs.limit(worker, math.ceil(count / 2))
        log.warning(
            "%d trials at once did not fit (%s); this worker goes on with %d: %s",
            count,
            cause,
            self._jobs.stack(worker),
            reason,
            extra=about(event="stack_halved", worker=self._jobs.place(worker).worker, cause=cause),
        )

    def _end_overdue(self) -> None:
        """End workers that make no progress."""
        for worker, cause, reason in self._jobs.overdue():
            worker.kill()
            self._fail(worker, cause, reason)
        self._pool.kill_late(START_SECONDS)

    def _fail(self, worker: Worker, cause: Cause, reason: str) -> None:
        """Keep that a job failed as a whole, and have another process take the worker's place."""
        place, failure = self._jobs.place(worker), Failure(cause, reason, worker.log_tail())
        for trial in self._jobs.remove(worker).values():
            self._outbox.put(Ended(trial, failure, place))
        self._pool.replace(worker)

    def _upkeep(self) -> None:
        """Do what time asks for."""
        flush, reconcile = self._flush.is_due(), self._reconcile.is_due()
        if reconcile:
            self._trials.reconcile()
            self._supply.look_up()
            self._progress.counted(self._supply.counts())
        elif flush:
            self._trials.flush()

    def _leave(self) -> None:
        """Give back what is held and end the workers."""
        tails = {trial.run_id: worker.log_tail() for worker, trial in self._jobs.trials()}
        self._progress.counted(self._supply.counts())
        self._progress.close()
        self._pool.end()
        try:
            self._outbox.write()
            self._trials.release_all("interrupted", "the run was stopped", tails)
            self._supply.look_up()
        except UnavailableError:
            log.warning(
                "%d ended trials could not be written and run again; what ran is free again "
                "when its leases have run out",
                len(self._outbox),
                extra=about(event="results_lost"),
            )
            if not self._outage.is_on:
                raise


def _failure(outcome: TrialFailure, worker: Worker) -> Failure:
    where = f"in epoch {outcome.epoch}, fold {outcome.fold}"
    reason = f"{outcome.term} was not finite {where}"
    return Failure(outcome.cause, reason, worker.log_tail(), outcome.seconds)
