"""Row `warm-start`: a new trial in a worker that is running, against a fresh process.

Clocked is the time until the first training step begins, and beside it until
that step has ended, which is a step of all folds in the worker and of one fold
in the fresh process. The worker's time includes the message to it, setting the
trial up, tearing it down and the answer. Each of its trials is of another arm
than the one before.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from typing import TYPE_CHECKING

from benchmarks.children import environment, run_all
from benchmarks.result import Row
from benchmarks.timing import REPEATS, interleaved, ratio_of
from model.outcomes import TrialSpec
from study.arms import loss_config
from study.config import StudyConfig
from study.plan import plan

if TYPE_CHECKING:
    from benchmarks.first_step import Hook
    from study.worker.handle import Worker

BEGINS: Hook = "training_step"
ENDED: Hook = "on_train_batch_end"


def measure(repeats: int = REPEATS, config: StudyConfig | None = None, warmups: int = 1) -> Row:
    """Time both on the CPU, with features from the cache, which is filled first.

    Args:
        repeats: rounds.
        config: of the trials; by default all of wisdm51 and five folds.
        warmups: rounds before those.
    """
    config = config or StudyConfig()
    with ExitStack() as workers:
        contenders = {}
        for hook in (BEGINS, ENDED):
            worker = workers.enter_context(running_worker(config, hook))
            contenders[f"worker {hook}"] = warm(worker, trials(config))
            contenders[f"process {hook}"] = fresh(config, trials(config), hook)
        timings = interleaved(contenders, repeats, warmups)
    step = ratio_of(timings, f"worker {ENDED}", f"process {ENDED}")
    return Row(
        name="warm-start",
        what="from a job for a running worker to its first training step",
        baseline="from the start of a process: imports, cached features, Lightning, first step",
        must=50,
        ratio=ratio_of(timings, f"worker {BEGINS}", f"process {BEGINS}"),
        details={
            "folds": config.folds,
            "wall_s": {
                name: statistics.median(taken.wall for taken in runs)
                for name, runs in timings.items()
            },
            "with_the_step": {"ratio": step.median, "low": step.low, "high": step.high},
        },
    )


def trials(config: StudyConfig) -> Iterator[TrialSpec]:
    """One trial after the other, arms in turn."""
    cells = plan(config)[: len(config.arms)]
    for number, cell in enumerate(cycle(cells)):
        yield TrialSpec(str(number), loss_config(cell.arm, cell.params, config.loss))


@contextmanager
def running_worker(config: StudyConfig, hook: Hook) -> Iterator[Worker]:
    """A worker of a study that has its data, and ends trials at the hook."""
    from benchmarks.first_step import FACTORY, UntilFirstStep
    from study.stop import StopSignal
    from study.worker.pool import Pool, Recipe, first_ready

    with Pool(Recipe(FACTORY, UntilFirstStep(config, hook), "cpu")) as pool:
        with StopSignal() as stop:
            first = first_ready(pool, stop)
        if first is None:
            raise KeyboardInterrupt
        yield first[0]


def warm(worker: Worker, trials: Iterator[TrialSpec]) -> Callable[[], None]:
    """Hands the worker the next trial and waits for its answer."""
    from study.worker.messages import Finished, Job

    def run() -> None:
        worker.train(Job(list(islice(trials, 1))))
        answer = worker.receive()
        assert isinstance(answer, Finished), answer

    return run


def fresh(config: StudyConfig, trials: Iterator[TrialSpec], hook: Hook) -> Callable[[], None]:
    """Starts a process for the next trial and waits for its end.

    The call raises RuntimeError if it fails, with what it said.
    """

    def run() -> None:
        loss = next(trials).loss.model_dump()
        given = {"config": config.model_dump(), "loss": loss, "hook": hook}
        command = ["benchmarks.plain.first_step", json.dumps(given)]
        run_all([command], environment(threads=None))

    return run
