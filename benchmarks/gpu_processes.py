"""gpu-processes: a stack against processes that share the device, each with plain bf16 models."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Self

import torch

from benchmarks.gpu_clock import Steps, free, plain_batches, run_plain, run_stack
from benchmarks.gpu_data import CMI, Size, context_of, skipped, stack_of
from benchmarks.result import Ratio, Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS, Taken, ratio_of
from model.fit import FitContext

OURS = "stack"
PATIENCE_S = 120.0
"""How long processes wait for one another."""


class SharingError(Exception):
    """A process could not take part; the message says why."""


@one_thread()
def measure(repeats: int = REPEATS, device: str = "cuda", size: Size = CMI) -> Row:
    """Compare throughput, in replica steps a second, with the best number of processes."""
    row = partial(
        Row,
        name="gpu-processes",
        what=f"replica steps a second of a stack of {size.replicas} replicas in bf16",
        baseline=f"the best of {size.processes} processes on one device, plain models in bf16",
        must=2.5,
    )
    reason = skipped(device)
    if reason:
        return row(skipped=reason)
    context = context_of(size, device)
    with Processes(max(size.processes), device, size) as processes:
        rates, failed = _rates(context, size, processes, repeats)
    free(context.device)
    details = {"steps_per_s": rates, "failed": failed, "replicas": size.replicas, "mps": False}
    return row(ratio=_against_best(rates), details=details)


def _rates(
    context: FitContext, size: Size, processes: Processes, repeats: int
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Replica steps a second, one entry a round; and why some numbers of processes failed."""
    stack = stack_of(context, size.trials)
    rates: dict[str, list[float]] = {OURS: []}
    failed: dict[str, str] = {}
    for _ in range(repeats):
        clock = run_stack(context, stack, Steps.of(size))
        rates[OURS].append(size.replicas * clock.steps / clock.seconds)
        for count in size.processes:
            name = f"{count} processes"
            if name in failed:
                continue
            try:
                rates.setdefault(name, []).append(processes.rate(count))
            except SharingError as error:
                failed[name] = str(error)
                rates.pop(name, None)
    return rates, failed


def _against_best(rates: Mapping[str, Sequence[float]]) -> Ratio | None:
    others = {name: sorted(found)[len(found) // 2] for name, found in rates.items() if name != OURS}
    if not others:
        return None
    timings = {name: [Taken(1 / rate, 0.0) for rate in found] for name, found in rates.items()}
    return ratio_of(timings, OURS, max(others, key=lambda name: others[name]))


class Processes:
    """Processes that have the device, the data and torch ready, and train when told to."""

    def __init__(self, count: int, device: str, size: Size) -> None:
        """Start them; they are ready when they first answer."""
        spawn = multiprocessing.get_context("spawn")
        self._barriers = {k: spawn.Barrier(k) for k in size.processes}
        self._ends: list[Connection] = []
        self._started = []
        for _ in range(count):
            here, there = spawn.Pipe()
            given = (there, self._barriers, device, size)
            process = spawn.Process(target=_work, args=given, daemon=True)
            process.start()
            there.close()
            self._ends.append(here)
            self._started.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End them."""
        for end in self._ends:
            end.close()
        for process in self._started:
            process.join(10)
            if process.is_alive():
                process.kill()

    def rate(self, count: int) -> float:
        """Steps a second of the first `count` processes together.

        Raises:
            SharingError: one of them could not train.
        """
        try:
            for end in self._ends[:count]:
                end.send(count)
            answers = [end.recv() for end in self._ends[:count]]
        except (EOFError, OSError) as error:
            raise SharingError("a process ended") from error
        reasons = [answer for answer in answers if isinstance(answer, str)]
        if reasons:
            raise SharingError(min(reasons, key=lambda reason: "Barrier" in reason))
        return sum(answer for answer in answers if isinstance(answer, float))


def _work(end: Connection, barriers: Mapping[int, Barrier], device: str, size: Size) -> None:
    """Train for a while each time a number of processes comes in; answer with a rate."""
    torch.set_num_threads(1)
    context = context_of(size, device)
    batches = plain_batches(context)
    while True:
        try:
            count = end.recv()
        except EOFError:
            return
        barrier = barriers[count]
        steps = Steps(
            size.warmups,
            lambda _, seconds: seconds >= size.window_s,
            begin=partial(barrier.wait, PATIENCE_S),
        )
        try:
            clock = run_plain(context, batches, "bf16", steps)
            end.send(clock.steps / clock.seconds)
        except Exception as error:  # whatever it is, the others must not wait
            barrier.abort()
            end.send(f"{type(error).__name__}: {str(error)[:200]}")
