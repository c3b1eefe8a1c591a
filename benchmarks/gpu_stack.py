"""gpu-stack: a stack's training step in bf16 against a plain model's in fp32, per replica."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

from benchmarks.gpu_clock import (
    Clock,
    Contender,
    Steps,
    free,
    peak_gib,
    plain_batches,
    rounds,
    run_plain,
    run_stack,
    synchronise,
    tf32,
)
from benchmarks.gpu_data import CMI, Size, batches_of, context_of, padded_rows, skipped, stack_of
from benchmarks.plain.data import Padded
from benchmarks.result import Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS, ratio_of, summary, timed
from model.device import Precision
from model.fit import FitContext

OURS, BASELINE = "stack bf16", "plain fp32"


@one_thread()
def measure(repeats: int = REPEATS, device: str = "cuda", size: Size = CMI) -> Row:
    """Compare steps under Lightning's Trainer: forward, backward, clip, optimizer."""
    row = partial(
        Row,
        name="gpu-stack",
        what=f"training step of a stack of {size.replicas} replicas in bf16, per replica",
        baseline="training step of one plain model in fp32 without TF32",
        must=8.0,
    )
    reason = skipped(device)
    if reason:
        return row(skipped=reason)
    context = context_of(size, device)
    contenders, peaks = contenders_of(context, size)
    timings = rounds(contenders, repeats)
    ratios = {name: ratio_of(timings, OURS, name).median for name in contenders if name != OURS}
    details = {
        "replicas": size.replicas,
        "batch": size.batch,
        "replica_step": summary(timings),
        "ratio_to": ratios,
        "peak_gib": peaks,
        **fetching(context, size),
    }
    free(context.device)
    return row(ratio=ratio_of(timings, OURS, BASELINE), details=details)


def contenders_of(
    context: FitContext, size: Size
) -> tuple[dict[str, Contender], dict[str, float | None]]:
    """The stack and the plain models; and a table that their peak memory is entered in."""
    steps = Steps.of(size)
    stack, batches = stack_of(context, size.trials), plain_batches(context)
    peaks: dict[str, float | None] = {}

    def ours() -> tuple[Clock, int]:
        peak_gib(context.device)
        clock = run_stack(context, stack, steps)
        peaks[OURS] = peak_gib(context.device)
        return clock, size.replicas

    def plain(name: str, precision: Precision, allowed: bool) -> tuple[Clock, int]:
        peak_gib(context.device)
        with tf32(allowed):
            clock = run_plain(context, batches, precision, steps)
        peaks[name] = peak_gib(context.device)
        return clock, 1

    kinds: tuple[tuple[str, Precision, bool], ...] = (
        (BASELINE, "fp32", False),
        ("plain fp32 with TF32", "fp32", True),
        ("plain bf16", "bf16", False),
    )
    return {OURS: ours} | {kind[0]: partial(plain, *kind) for kind in kinds}, peaks


def fetching(context: FitContext, size: Size) -> dict[str, Any]:
    """Mean padded lengths, and what making a stack's batches takes by itself."""
    stack = stack_of(context, size.trials)
    plain: list[Padded] = plain_batches(context)

    def fetch() -> None:
        batches_of(context, stack, size.steps)
        synchronise(context.device)

    fetch()
    seconds = statistics.median(timed(fetch).wall for _ in range(3))
    return {
        "fetch_ms_per_stack_step": 1e3 * seconds / size.steps,
        "padded_rows": padded_rows(batches_of(context, stack, context.plan.steps)),
        "padded_rows_plain": statistics.mean(batch.x.shape[1] for batch in plain),
        "mean_rows": float(context.data.length.mean()),
    }
