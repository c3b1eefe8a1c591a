"""gpu-variants: other ways to run the stack's training step, to see what pays.

| variant | what differs |
|---|---|
| eager | nothing: operations are launched one by one |
| padded | batches padded to lengths of a multiple of 16, which bounds the number of shapes |
| cast | parameters are cast to bf16 all at once, those of norms left out, not slot by slot |
| compile | torch.compile of the network, the length dynamic; padded and cast |
| graph | a CUDA graph of the whole step for each padded length |

All take the same batches, made beforehand, without Lightning; nothing is fetched.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu_clock import free, peak_gib, synchronise
from benchmarks.gpu_data import CMI, Size, batches_of, context_of, skipped, stack_of
from benchmarks.gpu_steps import BareStep, GraphStep, padded
from benchmarks.result import Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS, Taken, ratio_of
from model.data.batches import StackBatch
from model.fit import FitContext
from model.module import StackModule
from model.network.parameters import Layout, Parameters, Slot
from model.network.squeezeformer import Logits


@dataclass(frozen=True)
class Variant:
    """How a step is run."""

    name: str
    padded: bool = False
    cast: bool = False
    compiled: bool = False
    graph: bool = False


EAGER = Variant("eager")
VARIANTS = (
    EAGER,
    Variant("padded", padded=True),
    Variant("cast", cast=True),
    Variant("graph", padded=True, graph=True),
    Variant("graph+cast", padded=True, cast=True, graph=True),
    Variant("compile", padded=True, cast=True, compiled=True),
    Variant("graph+compile", padded=True, cast=True, compiled=True, graph=True),
)


Step = Callable[[StackBatch], None]


@one_thread()
def measure(
    repeats: int = REPEATS, device: str = "cuda", size: Size = CMI, backend: str = "inductor"
) -> Row:
    """Time every variant; the ratio is that of eager to the fastest."""
    row = partial(
        Row,
        name="gpu-variants",
        what=f"training step of a stack of {size.replicas} replicas in bf16, the fastest way",
        baseline="the same launched operation by operation",
    )
    reason = skipped(device)
    if reason:
        return row(skipped=reason)
    context = context_of(size, device)
    found = measured(context, size.trials, size.steps, repeats, backend=backend)
    ran = {name: entry["passes_s"] for name, entry in found.items() if "passes_s" in entry}
    if EAGER.name not in ran:
        return row(skipped=found[EAGER.name]["failed"], details=found)
    fastest = min(ran, key=lambda name: statistics.median(ran[name]))
    timings = {name: [Taken(seconds, 0.0) for seconds in passes] for name, passes in ran.items()}
    return row(ratio=ratio_of(timings, fastest, EAGER.name), details={"fastest": fastest, **found})


@dataclass(frozen=True)
class Moves:
    """What a variant does to the parameters, from the same start as every other."""

    gradient: Tensor
    """[R, P] of the first step, clipped."""
    change: Tensor
    """[R, P] parameters after one pass over the batches less those before."""

    def differences(self, other: Moves) -> dict[str, float | None]:
        """Norm of what differs from another variant over the norm of the other, None if not
        finite."""
        pairs = {
            "gradient_difference": (self.gradient, other.gradient),
            "change_difference": (self.change, other.change),
        }
        found = {name: float((a - b).norm() / b.norm()) for name, (a, b) in pairs.items()}
        return {name: value if math.isfinite(value) else None for name, value in found.items()}


def measured(
    context: FitContext,
    trials: int,
    batches: int,
    repeats: int,
    *,
    variants: Sequence[Variant] = VARIANTS,
    backend: str = "inductor",
) -> dict[str, dict[str, Any]]:
    """Time every variant over the first `batches` batches of a stack of that many trials.

    Returns:
        By name: passes_s, step_ms and launch_ms (until the last operation is launched) a step of
        the whole stack, replica_step_ms, warmup_s of the first pass (compilation and
        capture included), graph_breaks of torch.compile, peak_gib, gradient_difference and
        change_difference from the first variant; or `failed`, why it does not run.
    """
    whole = batches_of(context, stack_of(context, trials), batches)
    served = {False: whole, True: [padded(batch) for batch in whole]}
    table: dict[str, dict[str, Any]] = {}
    reference: Moves | None = None
    for variant in variants:
        moves = None
        try:
            table[variant.name], moves = _run(
                context, trials, variant, served[variant.padded], repeats, backend
            )
        except Exception as error:  # a variant that does not run is a finding
            table[variant.name] = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
        free(context.device)
        reference = reference or moves
        if moves and reference:
            table[variant.name] |= moves.differences(reference)
    return table


def _run(
    context: FitContext,
    trials: int,
    variant: Variant,
    batches: Sequence[StackBatch],
    repeats: int,
    backend: str,
) -> tuple[dict[str, Any], Moves]:
    broken = graph_breaks() if variant.compiled else 0
    step, module = step_of(context, trials, variant, backend)
    device, flat = module.device, module.flat
    peak_gib(device)
    start, began = flat.detach().clone(), time.perf_counter()
    step(batches[0])
    assert flat.grad is not None
    gradient = flat.grad.clone()
    timed(step, batches[1:], device)
    warmup = time.perf_counter() - began
    moves = Moves(gradient, flat.detach() - start)
    passes = [timed(step, batches, device) for _ in range(repeats)]
    launched, done = (statistics.median(part) / len(batches) for part in zip(*passes, strict=True))
    return {
        "passes_s": [seconds for _, seconds in passes],
        "step_ms": 1e3 * done,
        "launch_ms": 1e3 * launched,
        "replica_step_ms": 1e3 * done / len(flat),
        "warmup_s": warmup,
        "graph_breaks": graph_breaks() - broken if variant.compiled else 0,
        "peak_gib": peak_gib(device),
    }, moves


def graph_breaks() -> int:
    """Places where torch.compile had to leave its graph, so far in this process."""
    from torch._dynamo.utils import counters

    return sum(counters["graph_break"].values())


class HalfParameters(Parameters):
    """Parameters cast to bf16 all at once; norms read theirs as they are."""

    def __init__(self, layout: Layout, flat: Tensor, keep: Tensor | None = None) -> None:
        super().__init__(layout, flat, keep)
        self._half = layout.unflatten(flat.to(torch.bfloat16))

    def __getitem__(self, slot: Slot) -> Tensor:
        norm = slot.name.endswith((".scale", ".shift"))
        return super().__getitem__(slot) if norm else self._half[slot.index]


def reroute(module: StackModule, variant: Variant, backend: str) -> None:
    """Let the module's forward pass run as the variant says."""
    network = module.network
    cast = variant.cast and module.training_config.precision == "bf16"

    def run(windows: Tensor, mask: Tensor, keep: Tensor | None, flat: Tensor) -> Logits:
        kind = HalfParameters if cast else Parameters
        return network(windows, mask, kind(network.layout, flat, keep))

    if variant.compiled:
        run = torch.compile(run, backend=backend)

    def forward(batch: StackBatch) -> Logits:
        stream, stride = module.stream, network.config.stride
        windows = network.windows(batch.x)[stream]
        mask = batch.mask[:, :, ::stride][stream]
        for part in (windows, mask):
            torch._dynamo.maybe_mark_dynamic(part, 2)
        keep = None if batch.keep is None else batch.keep[stream]
        return run(windows, mask, keep, module.flat)

    module.forward = forward  # type: ignore[method-assign]  # one instance, another road


def step_of(
    context: FitContext, trials: int, variant: Variant, backend: str = "inductor"
) -> tuple[Step, StackModule]:
    """A fresh stack on the device and how it steps."""
    module = stack_of(context, trials).module.to(context.device)
    if variant.cast or variant.compiled:
        reroute(module, variant, backend)
    bare = BareStep(module)
    return (GraphStep(bare) if variant.graph else bare), module


def timed(step: Step, batches: Sequence[StackBatch], device: torch.device) -> tuple[float, float]:
    """Seconds of a pass over the batches: until launched, and until done."""
    synchronise(device)
    started = time.perf_counter()
    for batch in batches:
        step(batch)
    launched = time.perf_counter() - started
    synchronise(device)
    return launched, time.perf_counter() - started
