"""A stack on a GPU: agrees with the CPU, repeats itself, and never waits inside an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data.batches import StackBatch, TrainBatches
from model.data.sequences import SequenceSet
from model.fit import FitContext
from model.module import StackModule
from model.outcomes import TrialResult, TrialSpec
from tests.model.conftest import settings
from tests.model.test_stack import ARMS, assert_same, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
TRIALS = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]


def context_of(sequences: SequenceSet, device: str, precision: str = "fp64") -> FitContext:
    return FitContext(sequences, replace(settings(precision=precision), device=device))


def test_cuda_equals_cpu_in_fp64(sequences: SequenceSet) -> None:
    on_cpu, _ = train(context_of(sequences, "cpu"), TRIALS)
    on_cuda, _ = train(context_of(sequences, "cuda"), TRIALS)
    for key in on_cpu:
        assert_same(on_cuda[key], on_cpu[key])


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_the_same_seed_gives_the_same_numbers(sequences: SequenceSet, precision: str) -> None:
    context = context_of(sequences, "cuda", precision)
    first, second = train(context, TRIALS), train(context, TRIALS)
    for key, epochs in first[0].items():
        for one, other in zip(epochs, second[0][key], strict=True):
            for name, values in one.items():
                np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_bf16_comes_to_a_result(sequences: SequenceSet) -> None:
    _, outcomes = train(context_of(sequences, "cuda", "auto"), TRIALS)
    assert all(isinstance(outcome, TrialResult) for outcome in outcomes.values())


def test_the_host_never_waits_inside_an_epoch(
    sequences: SequenceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch, step and optimizer step of an epoch, with waiting made an error."""
    gather, step = TrainBatches.__iter__, StackModule.on_train_batch_end

    def guarded(self: TrainBatches) -> Iterator[StackBatch]:
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield from gather(self)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    ended: list[int] = []

    def counted(self: StackModule, *args: object) -> None:
        step(self, *args)
        ended.append(torch.cuda.get_sync_debug_mode())

    monkeypatch.setattr(TrainBatches, "__iter__", guarded)
    monkeypatch.setattr(StackModule, "on_train_batch_end", counted)
    train(context_of(sequences, "cuda", "auto"), TRIALS)
    assert 2 in ended
