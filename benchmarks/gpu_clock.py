"""Training steps under Lightning's Trainer, timed on the device they run on."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch

from benchmarks.gpu_data import HIERARCHY, Size
from benchmarks.plain.data import Padded
from benchmarks.plain.module import PlainModule
from benchmarks.timing import Taken, Timings
from model.config import LossConfig
from model.data.batches import TrainBatches
from model.device import Precision, autocast
from model.fit import FitContext, Stack, quiet_lightning

Until = Callable[[int, float], bool]
"""Whether to stop after so many timed steps and seconds."""


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Clock(pl.Callback):
    """Times training steps after some untimed ones, the fetching of their batches included."""

    def __init__(
        self, device: torch.device, warmups: int, until: Until, begin: Callable[[], object]
    ) -> None:
        """`begin` is called between warm-up and timing."""
        self.device = device
        self.warmups = warmups
        self.until = until
        self.begin = begin
        self.steps = 0
        self.seconds = self.cpu_seconds = 0.0
        self._started = self._cpu_started = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Start, count or stop."""
        if self.warmups > 0:
            self.warmups -= 1
            if self.warmups == 0:
                synchronise(self.device)
                self.begin()
                self._started, self._cpu_started = time.perf_counter(), time.process_time()
            return
        self.steps += 1
        if self.until(self.steps, time.perf_counter() - self._started):
            synchronise(self.device)
            self.seconds = time.perf_counter() - self._started
            self.cpu_seconds = time.process_time() - self._cpu_started
            trainer.should_stop = True


@dataclass(frozen=True)
class Steps:
    """When a run is timed, and what is called when the timing begins."""

    warmups: int
    until: Until
    begin: Callable[[], object] = lambda: None

    @classmethod
    def of(cls, size: Size) -> Steps:
        """As many as the size says."""
        return cls(size.warmups, lambda steps, _: steps >= size.steps)


def run_stack(context: FitContext, stack: Stack, steps: Steps) -> Clock:
    """Train a stack for some steps, as `model.fit` does but without validation."""
    clock = Clock(context.device, steps.warmups, steps.until, steps.begin)
    with quiet_lightning():
        trainer = _trainer(clock, context.settings.training.precision)
        trainer.fit(stack.module, datamodule=stack.batches)
    return clock


@dataclass(frozen=True)
class Prepared:
    """Batches as a loader; Lightning takes a bare list for several loaders."""

    batches: Sequence[Padded]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Padded]:
        return iter(self.batches)


def plain_batches(context: FitContext) -> list[Padded]:
    """An epoch of the first fold, cut by length and moved to the device beforehand.

    Kinder to the baseline than a loader: fetching costs it nothing.
    """
    epoch = TrainBatches(
        context.data, context.streams.of_repeat(0)[:1], context.plan, 0, dropout=0.0, epoch=0
    )
    return [Padded(batch.x[0], batch.mask[0, :, :, 0] > 0, batch.label[0]) for batch in epoch]


def run_plain(
    context: FitContext, batches: Sequence[Padded], precision: Precision, steps: Steps
) -> Clock:
    """Train one plain model for some steps."""
    clock = Clock(context.device, steps.warmups, steps.until, steps.begin)
    training = context.settings.training
    channels = len(context.sequences.channels)
    module = PlainModule(context.settings.network, training, LossConfig(), HIERARCHY, channels)
    with quiet_lightning():
        trainer = _trainer(clock, precision, gradient_clip_val=training.clip_norm)
        trainer.fit(module, train_dataloaders=Prepared(batches))
    return clock


def _trainer(
    clock: Clock, precision: Precision, gradient_clip_val: float | None = None
) -> pl.Trainer:
    device = clock.device
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" else 1,
        precision=autocast(precision, device),
        max_epochs=-1,
        max_steps=1_000_000,
        gradient_clip_val=gradient_clip_val,
        callbacks=[clock],
        limit_val_batches=0,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Whether fp32 products may round their inputs to TF32."""
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = allowed
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


Contender = Callable[[], tuple[Clock, int]]
"""Runs for some steps; returns its clock and the replicas that stepped."""


def rounds(contenders: Mapping[str, Contender], repeats: int) -> Timings:
    """Every contender once a round, the first of each round one further on.

    Returns:
        Seconds a replica step, of wall and CPU time.
    """
    names = list(contenders)
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    for turn in range(repeats):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            clock, replicas = contenders[name]()
            steps = clock.steps * replicas
            taken[name].append(Taken(clock.seconds / steps, clock.cpu_seconds / steps))
    return taken


def peak_gib(device: torch.device) -> float | None:
    """Largest amount of device memory in use since the last call, GiB; None on a CPU."""
    if device.type != "cuda":
        return None
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    torch.cuda.reset_peak_memory_stats(device)
    return round(peak, 2)


def free(device: torch.device) -> None:
    """Give back device memory that nothing refers to."""
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
