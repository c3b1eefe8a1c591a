"""gpu-study: how long a whole study takes, computed from steps and one measured batch of trials."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from benchmarks.gpu_clock import Steps, free, peak_gib, run_stack
from benchmarks.gpu_data import CMI, Size, context_of, made_up, skipped, stack_of, trials
from benchmarks.result import Ratio, Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS
from model.data.sequences import SequenceSet
from model.fit import FitContext, fit
from model.outcomes import EpochReport

LIMIT_MINUTES = 30.0
MOST_EPOCHS = 3
"""Timed in the measured batch of trials, after a first one."""


@one_thread()
def measure(repeats: int = REPEATS, device: str = "cuda", size: Size = CMI) -> Row:
    """Time steps over the size of the stack, then whole epochs at the size that pays most."""
    row = partial(
        Row,
        name="gpu-study",
        what=f"{size.study_trials} trials x {size.folds} folds x {size.epochs} epochs, "
        f"{size.sequences:,} sequences, computed",
        baseline=f"{LIMIT_MINUTES:.0f} minutes",
        must=1.0,
    )
    reason = skipped(device)
    if reason:
        return row(skipped=reason)
    began = time.perf_counter()
    sequences = made_up(size)
    context = context_of(size, device, sequences=sequences)
    opening = time.perf_counter() - began
    grown = growth(context, size)
    del context
    batch = largest_gain(size, device, sequences, grown, min(repeats, MOST_EPOCHS))
    if batch is None:
        return row(skipped="no stack fits into the device's memory", details={"growth": grown})
    minutes = [minutes_of(size, batch, epoch, opening) for epoch in batch["epoch_s"]]
    ratios = [LIMIT_MINUTES / m for m in minutes]
    details = {
        "minutes": statistics.median(minutes),
        "batch_of_trials": batch,
        "opening_s": opening,
        "growth": grown,
    }
    found = Ratio(statistics.median(ratios), min(ratios), max(ratios), len(ratios))
    return row(ratio=found, details=details)


def largest_gain(
    size: Size, device: str, sequences: SequenceSet, grown: list[dict[str, Any]], epochs: int
) -> dict[str, Any] | None:
    """Measure a batch of trials at the stack that steps fastest, or the next that fits."""
    stepped = [entry for entry in grown if "replica_step_ms" in entry]
    for entry in sorted(stepped, key=lambda entry: float(entry["replica_step_ms"])):
        free(torch.device(device))
        try:
            return measured_batch(size, device, sequences, entry["trials"], epochs)
        except torch.OutOfMemoryError:
            entry["failed"] = "out of memory over whole epochs"
    return None


def growth(context: FitContext, size: Size) -> list[dict[str, Any]]:
    """Time of a step and peak memory over the number of trials in the stack."""
    grown: list[dict[str, Any]] = []
    for count in size.stacks:
        replicas = count * size.folds
        entry: dict[str, Any] = {"trials": count, "replicas": replicas}
        peak_gib(context.device)
        try:
            clock = run_stack(context, stack_of(context, count), Steps.of(size))
            step = 1e3 * clock.seconds / clock.steps
            entry |= {"step_ms": step, "replica_step_ms": step / replicas}
        except torch.OutOfMemoryError:
            entry["failed"] = "out of memory"
        entry["peak_gib"] = peak_gib(context.device)
        grown.append(entry)
        free(context.device)
    return grown


def measured_batch(
    size: Size, device: str, sequences: SequenceSet, count: int, epochs: int
) -> dict[str, Any]:
    """Train one stack with `model.fit`, validation and reports included.

    Returns:
        epoch_s of every epoch but the first; start_s, what the whole took beyond
        as many epochs; peak_gib.
    """
    context = context_of(size, device, epochs=1 + epochs, sequences=sequences)
    ends: list[float] = []

    def on_epoch(_: Sequence[EpochReport]) -> tuple[str, ...]:
        ends.append(time.perf_counter())
        return ()

    peak_gib(context.device)
    began = time.perf_counter()
    fit(context, trials(count), on_epoch)
    whole = time.perf_counter() - began
    seconds = [end - start for start, end in pairwise(ends)]
    return {
        "trials": count,
        "epoch_s": seconds,
        "start_s": whole - (1 + epochs) * statistics.median(seconds),
        "steps_per_epoch": context.plan.steps,
        "peak_gib": peak_gib(context.device),
    }


def minutes_of(size: Size, batch: dict[str, Any], epoch_s: float, opening_s: float) -> float:
    """Minutes of the study, stack after stack on one device, the last one counted as full."""
    stacks = -(-size.study_trials // int(batch["trials"]))
    seconds = opening_s + stacks * (float(batch["start_s"]) + size.epochs * epoch_s)
    return seconds / 60
