"""The stack's training step without Lightning: launched as it comes, or replayed as a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from model.data.batches import StackBatch
from model.module import StackModule

MULTIPLE = 16
"""Rows that padded lengths are a multiple of: it bounds the number of shapes."""


class BareStep:
    """What Lightning's loop does in a step, and no more."""

    def __init__(self, module: StackModule) -> None:
        self.module = module
        made = module.configure_optimizers()
        self.optimizer: torch.optim.Optimizer = made["optimizer"]
        self.schedule = made["lr_scheduler"]["scheduler"]
        precision = module.training_config.precision
        self.half = precision == "bf16"

    def __call__(self, batch: StackBatch) -> None:
        """Take one step."""
        self.update(batch)
        self.schedule.step()

    def update(self, batch: StackBatch) -> None:
        """All of a step that runs on the device."""
        module = self.module
        self.optimizer.zero_grad()
        with torch.autocast(batch.x.device.type, torch.bfloat16, enabled=self.half):
            loss = module.training_step(batch, 0)
        loss.backward()
        module.configure_gradient_clipping(self.optimizer)
        self.optimizer.step()
        module.on_train_batch_end()


class GraphStep:
    """A step over buffers that stay where they are, one set for each padded length.

    On a CUDA device the step is captured once a length and replayed; elsewhere it
    is run anew, over the same buffers.
    """

    def __init__(self, step: BareStep) -> None:
        self.step = step
        self.graphs: dict[int, tuple[StackBatch, Callable[[], None]]] = {}
        self.on_cuda = step.module.flat.is_cuda
        self._pool = torch.cuda.graph_pool_handle() if self.on_cuda else None
        for group in step.optimizer.param_groups if self.on_cuda else ():
            group["capturable"] = True
            group["lr"] = torch.tensor(group["lr"], device=step.module.device)

    def __call__(self, batch: StackBatch) -> None:
        """Take one step."""
        length = batch.x.shape[2]
        if length not in self.graphs:
            held = copied(batch)
            self.graphs[length] = held, self._captured(held)
        held, run = self.graphs[length]
        for name, part in parts_of(batch).items():
            if part is not None:
                getattr(held, name).copy_(part)
        run()
        self.step.schedule.step()

    def _run(self, held: StackBatch) -> None:
        module = self.step.module
        alive, fault = module.alive, module.fault
        self.step.update(held)
        alive.copy_(module.alive)
        fault.copy_(module.fault)
        module.alive, module.fault = alive, fault

    def _captured(self, held: StackBatch) -> Callable[[], None]:
        if not self.on_cuda:
            return lambda: self._run(held)
        before = {name: part.clone() for name, part in _state(self.step).items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._run(held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._run(held)
        for name, part in _state(self.step).items():
            part.copy_(before[name]) if name in before else part.zero_()
        return graph.replay


def _state(step: BareStep) -> dict[str, Tensor]:
    """Everything that a step changes, by name; optimizer state once there is some."""
    module = step.module
    state = {"alive": module.alive, "fault": module.fault}
    for name, parameter in module.named_parameters():
        state[name] = parameter.data
        for key, value in step.optimizer.state[parameter].items():
            state[f"{name} {key}"] = value
    return state


def parts_of(batch: StackBatch) -> dict[str, Tensor | None]:
    """The tensors of a batch by name."""
    return {field.name: getattr(batch, field.name) for field in fields(batch)}


def copied(batch: StackBatch) -> StackBatch:
    """A batch of its own memory."""
    keep, draws = (None if part is None else part.clone() for part in (batch.keep, batch.draws))
    x, mask, label, counted = batch.x, batch.mask, batch.label, batch.counted
    return StackBatch(x.clone(), mask.clone(), label.clone(), counted.clone(), keep, draws)


def padded(batch: StackBatch, multiple: int = MULTIPLE) -> StackBatch:
    """The batch with rows that do not exist added up to a multiple of that many."""
    more = -batch.x.shape[2] % multiple
    return replace(
        batch, x=F.pad(batch.x, (0, 0, 0, more)), mask=F.pad(batch.mask, (0, 0, 0, more))
    )
