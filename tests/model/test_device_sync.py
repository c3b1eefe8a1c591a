"""The host never waits for the device inside an epoch.

A tensor on the meta device has a shape and no data: whatever would read it back,
and so have the host wait, is an error there. Layers take the road there that
they take on CUDA. On a CPU, reads are counted through the real Trainer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from torch import Tensor
from torch.utils._foreach_utils import _get_fused_kernels_supported_devices

from model.config import LossConfig
from model.data.batches import DeviceData, StackBatch, TrainBatches
from model.data.sequences import SequenceSet
from model.fit import FitContext, FitSettings, Stack, fit
from model.module import StackModule
from model.outcomes import TrialSpec
from tests.model.conftest import made_up, settings
from tests.model.waiting import Copies, DispatchedReads, Named

ARMS = [
    LossConfig(),
    LossConfig(auto_weighting="uncertainty", uncertainty_init_value="matched"),
    LossConfig(auto_weighting="direct"),
    LossConfig(auto_weighting="direct_anchored"),
    LossConfig(auto_weighting="equal"),
    LossConfig(auto_weighting="random"),
    LossConfig(auto_weighting="dwa"),
    LossConfig(auto_weighting="uw_so"),
]
TRIALS = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
META = torch.device("meta")


@pytest.fixture
def fused_on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused AdamW has a meta kernel, but its constructor does not list the device."""
    devices = [*_get_fused_kernels_supported_devices(), "meta"]
    module = import_module("torch.optim.optimizer")
    monkeypatch.setattr(module, "_get_fused_kernels_supported_devices", lambda: list(devices))


def on_device(sequences: SequenceSet, given: FitSettings, device: torch.device) -> FitContext:
    """A context whose data and parameters go to a device that nobody would name."""
    context = FitContext(sequences, given)
    context.device = device
    context.data = DeviceData(sequences, given.features.max_length, device, context.dtype)
    return context


def training(context: FitContext, stack: Stack) -> Iterator[StackBatch]:
    """Batches of the first epoch."""
    network = context.network
    return iter(
        TrainBatches(
            context.data,
            stack.streams,
            context.plan,
            network.layout.dropout_width,
            network.config.dropout,
            epoch=0,
        )
    )


def stepper(module: StackModule, precision: str) -> Callable[[StackBatch], None]:
    """What Lightning's loop does in a step, in its order."""
    made = module.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]

    def step(batch: StackBatch) -> None:
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            loss = module.training_step(batch, 0)
        loss.backward()
        module.configure_gradient_clipping(optimizer)
        optimizer.step()
        module.on_train_batch_end(None, batch, 0)
        schedule.step()

    return step


@pytest.mark.usefixtures("fused_on_meta")
@pytest.mark.parametrize("normalise", ["train", "subject"])
def test_an_epoch_of_training_reads_nothing_back(sequences: SequenceSet, normalise: str) -> None:
    given = settings(precision="fp32")
    features = given.features.model_copy(update={"normalise": normalise})
    context = on_device(sequences, replace(given, features=features), META)
    stack = Stack(context, TRIALS, lambda _: ())
    step = stepper(stack.module.to(META), "fp32")
    batches = training(context, stack)
    step(next(batches))  # the first fetch moves the scaling of the epoch
    steps, copies, made = 1, Copies(), Counter[str]()
    with copies, Named(("tensor", "as_tensor"), made):  # values that travel to their device
        for batch in batches:
            step(batch)
            steps += 1
    assert steps == context.plan.steps > 1
    assert copies.waiting == made == {}


def test_a_validation_step_reads_nothing_back(sequences: SequenceSet) -> None:
    context = on_device(sequences, settings(precision="fp32"), META)
    stack = Stack(context, TRIALS, lambda _: ())
    module = stack.module.to(META)
    loader = stack.batches.val_dataloader()
    with torch.no_grad():  # reading from this device raises
        totals = [module.validation_step(batch, 0) for batch in loader]
    assert len(totals) == len(loader) > 0
    assert {(total.device, total.shape) for total in totals} == {(META, module.alive.shape)}


def test_copies_are_noted() -> None:
    """The test above can fail."""
    with Copies() as copies:
        torch.ones(3).to(META)
        torch.ones(3).to(META, non_blocking=True)
        torch.empty(3, device=META).copy_(torch.ones(3))
        torch.ones(3, device=META).to(torch.float64)
    assert copies.waiting == {"cpu -> meta (3,)": 2}
    assert copies.not_waiting == 1


READS: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool((x > 0).any()),
    "int": lambda x: int(x.sum()),
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "numpy": lambda x: x.numpy(),
    "nonzero": lambda x: x.nonzero(),
    "mask": lambda x: x[x > 0],
    "masked_select": lambda x: x.masked_select(x > 0),
    "unique": lambda x: x.unique(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_whatever_reads_fails_on_meta(read: Callable[[Tensor], object]) -> None:
    """The tests above can fail."""
    with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
        read(torch.ones(3, device=META))


def reads_of_a_run(sequences: SequenceSet) -> tuple[int, Counter[str]]:
    """Steps of an epoch, and what a whole run through the Trainer reads."""
    context = FitContext(sequences, settings())
    seen: Counter[str] = Counter()
    with DispatchedReads(seen), Named(("cpu", "numpy", "tolist", "__array__"), seen):
        fit(context, TRIALS)
    return context.plan.steps, seen


def test_reads_go_by_epoch_not_by_step() -> None:
    """Twice the data, the same reads: Lightning's loop included, no step has one."""
    steps, reads = reads_of_a_run(made_up(each=10))
    more_steps, more_reads = reads_of_a_run(made_up(each=20))
    assert more_steps >= 2 * steps - 1 > steps
    assert reads.total() > 0
    assert reads == more_reads


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_is_not_waited_for(sequences: SequenceSet, precision: str) -> None:
    """torch's own detector of synchronising calls, over an epoch of training steps."""
    cuda = torch.device("cuda", 0)
    context = on_device(sequences, settings(precision=precision), cuda)
    stack = Stack(context, TRIALS, lambda _: ())
    step = stepper(stack.module.to(cuda), precision)
    batches = training(context, stack)
    step(next(batches))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert stack.module.alive.all()
