"""Correctness before speed: what is timed must compute the same as what it is timed against.

    python -m benchmarks.gate

Everything runs in fp64 on made-up recordings, in a few seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score

from benchmarks.differences import apart, histories, history_apart
from benchmarks.made_up import FOLDS, HIERARCHY, made_up, recipe
from benchmarks.plain import weights
from benchmarks.plain.data import FoldDataset, Padded, pad, scaling_of
from benchmarks.plain.module import PlainModule
from benchmarks.threads import one_thread
from model.config import LossConfig
from model.data.batches import StackBatch, TrainBatches, ValidationBatches
from model.fit import FitContext, Stack
from model.module import StackModule
from model.outcomes import TrialSpec
from model.score import confusion, scores

FIXED = (
    LossConfig(nine_class_loss_weight=0.25, kl_weight=0.125, label_smoothing=0.125),
    LossConfig(alpha=0.75, nine_class_loss_weight=0.0, kl_weight=0.0625, label_smoothing=0.0),
)
"""Weights that binary fractions hold exactly, in fp32 as in fp64."""
ARMS = (
    *FIXED,
    LossConfig(auto_weighting="uncertainty", lr_multiplier=10),
    LossConfig(auto_weighting="direct", lr_multiplier=10),
    LossConfig(auto_weighting="direct_anchored", rho=0.3, lr_multiplier=10),
)
DOOMED = LossConfig(nine_class_loss_weight=1.7e308)
"""Its total is not finite in the first step."""


@dataclass(frozen=True)
class Check:
    """Something compared."""

    what: str
    difference: float
    """Largest of all that was compared."""
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        return self.difference <= self.limit

    def __str__(self) -> str:
        verdict = "ok    " if self.holds else "BROKEN"
        return f"{verdict} {self.what}: {self.difference:.1e} apart (at most {self.limit:.0e})"


def checks() -> Iterator[Check]:
    """Make them, one after the other, on one thread."""
    with one_thread():
        yield from same_network()
        yield from same_batches()
        yield from same_score()
        yield from same_in_company()
        if torch.cuda.is_available():
            yield from same_on_gpu()


def same_network() -> Iterator[Check]:
    """Plain networks with the weights of each replica, against the stack; and padding."""
    context = FitContext(made_up(), recipe(dropout=0.0))
    module = stack_of(context)
    logits = gradients = padding = 0.0
    for batch in batches_of(context):
        own = module(batch)
        longer = module(padded(batch, 7))
        module.flat.grad = None
        module.training_step(batch, 0).backward()
        assert module.flat.grad is not None
        for replica, stream in enumerate(module.stream.tolist()):
            single = plain_of(context, module, replica)
            found = single.network(*part(batch, stream)[:2])
            ours = (own.fine[replica], own.coarse[replica], own.binary[replica])
            logits = max(logits, *map(apart, ours, found))
            single.total(single.losses(part(batch, stream))[0]).backward()
            gradient = weights.gradient(context.network, single.network)
            gradients = max(gradients, apart(module.flat.grad[replica], gradient))
            more = single.network(*part(padded(batch, 7), stream)[:2])
            padding = max(padding, *map(apart, found, more))
        padding = max(padding, apart(own.fine, longer.fine), apart(own.binary, longer.binary))
    yield Check("logits of a plain network with a replica's weights", logits, 1e-9)
    yield Check("gradients of its total", gradients, 1e-9)
    yield Check("logits with more padding, stack and plain", padding, 1e-9)


def same_batches() -> Iterator[Check]:
    """What the plain data set and its collate function make of a batch, in fp32."""
    context = FitContext(made_up(), recipe(dropout=0.0))
    streams = context.streams.of_repeat(0)
    worst = 0.0
    for position, stream in enumerate(streams):
        scaling = scaling_of(context.sequences, stream.train)
        chosen = context.plan.epoch(stream, 0, context.data.length)[0]
        longest = context.settings.features.max_length
        dataset = FoldDataset(context.sequences, chosen, scaling, longest)
        theirs = pad([dataset[i] for i in range(len(dataset))])
        rows = theirs.x.shape[1]
        ours = part(next(batches_of(context)), position)
        beyond = ours.x[:, rows:].abs().sum() + ours.exists[:, rows:].sum()
        same = torch.equal(ours.label, theirs.label) and not beyond
        same &= torch.equal(ours.exists[:, :rows], theirs.exists)
        worst = max(worst, apart(ours.x[:, :rows], theirs.x) if same else torch.inf)
    yield Check("a batch of the plain loader, fp32", worst, 1e-5)


def same_score(replicas: int = 20, sequences: int = 40) -> Iterator[Check]:
    """Scores from counts, against scikit-learn, with classes that do not occur."""
    random = np.random.default_rng(1)
    classes = len(HIERARCHY.fine)
    truth, predicted = random.integers(0, classes, (2, replicas, sequences))
    for row in range(replicas // 2):  # fewer classes in each
        truth[row] %= 1 + row % classes
        predicted[row] %= 1 + row // 2 % classes
    every = torch.ones(truth.shape, dtype=torch.bool)
    counts = confusion(torch.from_numpy(truth), torch.from_numpy(predicted), every, classes)
    target, coarse = HIERARCHY.is_target, HIERARCHY.fine_to_coarse
    expected = [
        f1_score(target[t], target[p], zero_division=0) / 2
        + f1_score(coarse[t], coarse[p], average="macro", zero_division=0) / 2
        for t, p in zip(truth, predicted, strict=True)
    ]
    difference = apart(scores(counts, HIERARCHY).score, torch.tensor(expected, dtype=torch.float64))
    yield Check("score against scikit-learn's", difference, 1e-12)


def same_in_company() -> Iterator[Check]:
    """Trials in one stack against each alone, and a stack that loses some of its trials."""
    context = FitContext(made_up(), recipe(dropout=0.2))
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
    whole = histories(context, trials)
    alone = [histories(context, [trial]) for trial in trials]
    worst = max(history_apart(whole[key], one[key]) for one in alone for key in one)
    yield Check("a stack of trials against each trained alone", worst, 1e-7)
    dropped = trials[1].key
    fewer = histories(context, trials, dropped)
    worst = max(history_apart(whole[key], fewer[key]) for key in whole if key != dropped)
    yield Check("the others once a trial is dropped", worst, 1e-7)
    failing = histories(context, [trials[0], TrialSpec("doomed", DOOMED), *trials[1:]])
    worst = max(history_apart(whole[key], failing[key]) for key in whole)
    outlived = torch.inf if failing["doomed"] else worst
    yield Check("the others beside a trial whose loss is not finite", outlived, 1e-7)


def same_on_gpu() -> Iterator[Check]:
    """A stack of every arm on the GPU, against the same on the CPU."""
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
    settings = recipe(dropout=0.2)
    here, there = (
        histories(FitContext(made_up(), replace(settings, device=device)), trials)
        for device in ("cpu", "cuda")
    )
    worst = max(history_apart(here[key], there[key]) for key in here)
    yield Check("a stack on the GPU against one on the CPU", worst, 1e-7)


def stack_of(context: FitContext) -> StackModule:
    """A stack of the fixed arms, every replica with weights of its own."""
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(FIXED)]
    module = Stack(context, trials, lambda _: ()).module
    noise = torch.randn(module.flat.shape, generator=torch.Generator().manual_seed(0))
    module.flat.data += 0.1 * noise.to(module.flat.dtype)
    return module


def plain_of(context: FitContext, module: StackModule, replica: int) -> PlainModule:
    """The plain module that does the same as one replica of the stack."""
    settings, sequences = context.settings, context.sequences
    single = PlainModule(
        settings.network,
        settings.training,
        FIXED[replica // FOLDS],
        sequences.hierarchy,
        len(sequences.channels),
    )
    single.double().eval()
    weights.copy(context.network, module.flat[replica], single.network)
    return single


def batches_of(context: FitContext) -> Iterator[StackBatch]:
    """The training batches of an epoch, in buckets of length, then the validation batches."""
    streams = context.streams.of_repeat(0)
    yield from TrainBatches(context.data, streams, context.plan, 0, 0.0, 0)
    yield from ValidationBatches(context.data, streams, 16)


def padded(batch: StackBatch, rows: int) -> StackBatch:
    """The batch with more padding."""
    return replace(
        batch, x=F.pad(batch.x, (0, 0, 0, rows)), mask=F.pad(batch.mask, (0, 0, 0, rows))
    )


def part(batch: StackBatch, stream: int) -> Padded:
    """What one stream sees of a batch."""
    return Padded(batch.x[stream], batch.mask[stream, :, :, 0] > 0, batch.label[stream])


def gate(tell: Callable[[str], None]) -> list[Check]:
    """Make all checks and tell of each."""
    made = []
    for check in checks():
        tell(str(check))
        made.append(check)
    return made


if __name__ == "__main__":
    sys.exit(not all(check.holds for check in gate(print)))
