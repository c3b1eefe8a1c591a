"""Rows `growth-*`: how the cost of a training step grows. Points, not ratios.

A step is what Lightning's loop does in one: forward, backward, clip, AdamW,
schedule. Its batch is made beforehand; all its sequences have the same length.
The network is `tiny` on a CPU and `base` on a GPU, on one thread either way.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.children import environment, run_all
from benchmarks.gpu_steps import BareStep
from benchmarks.result import Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS, interleaved
from model.config import NETWORK_PRESETS, LossConfig, NetworkConfig, TrainingConfig
from model.data.batches import StackBatch
from model.device import resolve_device
from model.hierarchy import Hierarchy
from model.module import StackModule
from model.network.squeezeformer import Squeezeformer

HIERARCHY = Hierarchy.of([f"target {i}" for i in range(8)], [f"other {i}" for i in range(10)])
CHANNELS, BATCH, FOLDS = 19, 64, 5
REPLICAS, LENGTHS, WIDTHS = (1, 5, 10, 25, 50), (25, 50, 100, 200), (16, 32, 64, 128)
STEPS = 3
"""Of one timed run."""


@dataclass(frozen=True)
class Setting:
    """A stack to be stepped."""

    network: NetworkConfig
    device: str
    replicas: int = FOLDS
    length: int = 70
    """Rows of every sequence; 70 is about what buckets of CMI's sequences are padded to."""

    @classmethod
    def here(cls) -> Setting:
        """On the device at hand, with the network that is meant for it."""
        device = resolve_device("auto")
        preset = "base" if device.type == "cuda" else "tiny"
        return cls(NETWORK_PRESETS[preset], str(device))

    def of_width(self, width: int) -> Setting:
        """The same with another width of the network."""
        return replace(self, network=self.network.model_copy(update={"width": width}))


def stepper(setting: Setting) -> Callable[[], None]:
    """Build the stack and its batch; the result takes STEPS steps and waits for their end."""
    device = torch.device(setting.device)
    network = Squeezeformer(setting.network, CHANNELS, HIERARCHY)
    random = torch.Generator().manual_seed(0)
    initial = network.layout.initial(random)
    module = StackModule(
        network,
        HIERARCHY,
        [LossConfig()] * setting.replicas,
        TrainingConfig(precision="bf16" if device.type == "cuda" else "fp32"),
        initial=initial.repeat(setting.replicas, 1),
        stream=[row % FOLDS for row in range(setting.replicas)],
        steps=1000,
    ).to(device)
    batch = drawn(setting, network.layout.dropout_width, random)
    step = BareStep(module)

    def run() -> None:
        module.on_train_epoch_start()
        for _ in range(STEPS):
            step(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def drawn(setting: Setting, dropout_width: int, random: torch.Generator) -> StackBatch:
    """A batch of random sequences for as many streams as the stack has."""
    streams = min(setting.replicas, FOLDS)

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(setting.device)

    rate = setting.network.dropout
    keep = (torch.rand(streams, BATCH, dropout_width, generator=random) >= rate) / (1 - rate)
    return StackBatch(
        x=moved(torch.randn(streams, BATCH, setting.length, CHANNELS, generator=random)),
        mask=moved(torch.ones(streams, BATCH, setting.length, 1)),
        label=moved(torch.randint(18, (streams, BATCH), generator=random)),
        counted=moved(torch.ones(streams, BATCH, dtype=torch.bool)),
        keep=moved(keep),
    )


def over_replicas(repeats: int = REPEATS) -> Row:
    """Time of a replica step over R."""
    base = Setting.here()
    settings = {n: replace(base, replicas=n) for n in REPLICAS}
    return timed_row("growth-replicas", "replicas", settings, repeats)


def over_length(repeats: int = REPEATS) -> Row:
    """Time of a replica step over the rows of a sequence."""
    base = Setting.here()
    settings = {n: replace(base, length=n) for n in LENGTHS}
    return timed_row("growth-length", "rows of a sequence", settings, repeats)


def over_width(repeats: int = REPEATS) -> Row:
    """Time of a replica step over the width of the network."""
    base = Setting.here()
    return timed_row("growth-width", "width", {n: base.of_width(n) for n in WIDTHS}, repeats)


def over_memory(repeats: int = REPEATS, replicas: tuple[int, ...] = REPLICAS) -> Row:
    """Peak memory over R, each in a fresh process, once: it does not vary."""
    del repeats
    base = Setting.here()
    points = [{"replicas": n, "mib": peak_mib(replace(base, replicas=n))} for n in replicas]
    kind = "of the process" if base.device == "cpu" else "allocated on the device"
    return row("growth-memory", base, "replicas", "mib", points, f"peak MiB {kind}")


def timed_row(name: str, varied: str, settings: Mapping[int, Setting], repeats: int) -> Row:
    """Time every setting once a round."""
    points = []
    with one_thread():
        timings = interleaved(
            {str(n): stepper(setting) for n, setting in settings.items()}, repeats, warmups=1
        )
    for n, setting in settings.items():
        per_ms = STEPS * setting.replicas / 1e3
        wall, cpu = zip(*((t.wall / per_ms, t.cpu / per_ms) for t in timings[str(n)]), strict=True)
        found = {"ms": statistics.median(wall), "low": min(wall), "high": max(wall)}
        points.append({varied: n} | found | {"cpu_ms": statistics.median(cpu)})
    return row(name, next(iter(settings.values())), varied, "ms", points, "ms a replica step")


def row(
    name: str, setting: Setting, x: str, y: str, points: list[dict[str, Any]], unit: str
) -> Row:
    """A row of points: `x` and `y` name their columns."""
    fixed = {"replicas": setting.replicas, "rows": setting.length, "width": setting.network.width}
    varied = {"growth-length": "rows", "growth-width": "width"}.get(name, "replicas")
    same = ", ".join(f"{value} {key}" for key, value in fixed.items() if key != varied)
    device = {"kind": "cpu", "device": "CPU, one thread"}
    if setting.device != "cpu":
        device = {"kind": "gpu", "device": torch.cuda.get_device_name(setting.device)}
    return Row(
        name=name,
        what=f"{unit}, over {x}; batches of {BATCH}, {same}",
        baseline="none: how it grows",
        details={**device, "x": x, "y": y, "points": points},
    )


def peak_mib(setting: Setting) -> float:
    """Peak memory of a process that takes STEPS steps: of the device, or of the process.

    Raises:
        RuntimeError: the process failed, with what it said.
    """
    given = {**vars(setting), "network": setting.network.model_dump()}
    (said,) = run_all([["benchmarks.peak_memory", json.dumps(given)]], environment(1))
    return float(said)
