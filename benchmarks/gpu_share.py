"""gpu-share: the stack's share of the rate at which the device multiplies bf16 matrices."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import torch

from benchmarks.gpu_arithmetic import matrix_rate, training_flops
from benchmarks.gpu_clock import Steps, free, run_stack
from benchmarks.gpu_data import CMI, Size, batches_of, context_of, skipped, stack_of
from benchmarks.gpu_layers import alternatives
from benchmarks.gpu_steps import BareStep
from benchmarks.result import Ratio, Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS
from model.data.batches import StackBatch
from model.data.streams import WINDOW
from model.fit import FitContext

SHOWN = 25
"""Kernels listed, those that take longest."""


@one_thread()
def measure(repeats: int = REPEATS, device: str = "cuda", size: Size = CMI) -> Row:
    """Divide the operations of a step by its time, and by the matrix rate of that round."""
    row = partial(
        Row,
        name="gpu-share",
        what=f"operations a second of a stack of {size.replicas} replicas in training, bf16",
        baseline="operations a second of a large bf16 matrix product",
        must=0.08,
    )
    reason = skipped(device)
    if reason:
        return row(skipped=reason)
    context = context_of(size, device)
    stack = stack_of(context, size.trials)
    batches = batches_of(context, stack, size.steps)
    flops, padded = (
        size.replicas * training_flops(size.network, batches[0].x.shape[-1], batches, padded=p)
        for p in (False, True)
    )
    rates, seconds = [], []
    for _ in range(repeats):
        rates.append(matrix_rate(context.device, size.matrix))
        clock = run_stack(context, stack, Steps.of(size))
        seconds.append(clock.seconds / clock.steps)
    shares = [flops / s / rate for s, rate in zip(seconds, rates, strict=True)]
    details = {
        "replicas": size.replicas,
        "step_ms": 1e3 * statistics.median(seconds),
        "gflop_per_step": flops / 1e9,
        "gflop_per_step_padded": padded / 1e9,
        "matrix_tflop_per_s": statistics.median(rates) / 1e12,
        "profile": profile(context, size, batches[:WINDOW]),
        "layers": alternatives(context.device, size),
    }
    free(context.device)
    return row(
        ratio=Ratio(statistics.median(shares), min(shares), max(shares), len(shares)),
        details=details,
    )


def profile(context: FitContext, size: Size, batches: list[StackBatch]) -> dict[str, Any]:
    """Where the device's time goes in steps without Lightning: kernels by name."""
    step = BareStep(stack_of(context, size.trials).module.to(context.device))
    for batch in batches:
        step(batch)
    kind, measure_of = ("CUDA", "device") if context.device.type == "cuda" else ("CPU", "cpu")
    activity = getattr(torch.profiler.ProfilerActivity, kind)
    with torch.profiler.profile(activities=[activity]) as found:
        for batch in batches:
            step(batch)
    taken = [
        (getattr(event, f"self_{measure_of}_time_total") / 1e3 / len(batches), event)
        for event in found.key_averages()
        if event.device_type.name == kind
    ]
    taken.sort(key=lambda pair: -pair[0])
    return {
        "device_ms_per_step": sum(ms for ms, _ in taken),
        "launches_per_step": sum(event.count for _, event in taken) / len(batches),
        "kernels": [
            {"name": event.key[:100], "ms": ms, "calls": event.count / len(batches)}
            for ms, event in taken[:SHOWN]
        ],
    }
