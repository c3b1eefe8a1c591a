"""Shares of the gradient: against backward passes one by one, and without a trace."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from model.config import TERMS, LossConfig
from model.data.batches import StackBatch, TrainBatches
from model.data.sequences import SequenceSet
from model.fit import FitContext, Stack, fit
from model.gradients import gradient_shares
from model.module import StackModule
from model.network import lean
from model.network.squeezeformer import Logits
from model.outcomes import TrialResult, TrialSpec
from tests.model.conftest import settings
from tests.model.test_stack import ARMS, Histories, train

LOSSES = [*ARMS, LossConfig(auto_weighting="direct", nine_class_head_enabled=False)]
TRIALS = [TrialSpec(str(i), loss) for i, loss in enumerate(LOSSES)]
NAMES = [f"gradient_share_{term}" for term in TERMS]


def by_hand(module: StackModule, batch: StackBatch) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[R, 4]: a forward and a backward pass for every term, through .grad and torch's kernels."""
    weights, active = module.weighting.weights(), module.weighting.active()
    norms = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lean, "serves", lambda _: False)
        for i in range(4):
            weighted = module.sequence_losses(batch)[0].mean(1)[:, i] * weights[:, i]
            torch.where(active[:, i], weighted, 0.0).sum().backward()
            assert module.flat.grad is not None
            norms.append(module.flat.grad.norm(dim=1))
            module.flat.grad = None
    pulls = torch.stack(norms, 1)
    return (pulls / pulls.sum(1, keepdim=True)).masked_fill(~active, torch.nan).numpy()


def last_state(context: FitContext) -> tuple[Histories, Stack, StackBatch]:
    """A finished training, its stack and its last training batch."""
    stacks: list[Stack] = []
    batches: list[StackBatch] = []
    ended = Stack.on_train_epoch_end
    stepped = StackModule.training_step

    def note_stack(self: Stack, *args: Any) -> None:  # noqa: ANN401  # handed on as they came
        stacks[:] = [self]
        ended(self, *args)

    def note_batch(self: StackModule, batch: StackBatch, index: int) -> Tensor:
        batches[:] = [batch]
        return stepped(self, batch, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stack, "on_train_epoch_end", note_stack)
        patch.setattr(StackModule, "training_step", note_batch)
        histories, _ = train(context, TRIALS)
    return histories, stacks[0], batches[0]


def test_shares_are_those_of_passes_one_by_one(context: FitContext) -> None:
    """After the last epoch, with final parameters and weights, on its last batch."""
    histories, stack, batch = last_state(context)
    module = stack.module
    module.flat.grad = None
    expected = by_hand(module, batch)
    for i, (trial, loss) in enumerate(zip(TRIALS, LOSSES, strict=True)):
        *before, last = histories[trial.key]
        assert not any(name in epoch for epoch in before for name in NAMES)
        absent = {"nine_class", "kl"} if not loss.nine_class_head_enabled else set()
        absent |= {"nine_class"} if loss.nine_class_loss_weight == 0 else set()
        assert {name for name in NAMES if name in last} == {
            name for name, term in zip(NAMES, TERMS, strict=True) if term not in absent
        }
        found = np.stack([last.get(name, np.full(2, np.nan)) for name in NAMES], axis=1)
        np.testing.assert_allclose(found, expected[2 * i : 2 * i + 2], rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(np.nansum(found, axis=1), 1)
        assert np.nanmin(found) > 0


def test_nothing_else_changes(context: FitContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit the same training, random state and .grad, with the shares and without."""
    torch.manual_seed(5)
    with_shares, outcomes = train(context, TRIALS)
    state = torch.get_rng_state()
    monkeypatch.setattr(StackModule, "note_gradient_shares", lambda *_: None)
    torch.manual_seed(5)
    without, others = train(context, TRIALS)
    assert torch.equal(torch.get_rng_state(), state)
    for key, history in without.items():
        for plain, told in zip(history, with_shares[key], strict=True):
            assert plain.keys() == {name for name in told if name not in NAMES}
            for name, values in plain.items():
                np.testing.assert_array_equal(values, told[name])
        ours, theirs = outcomes[key], others[key]
        assert isinstance(ours, TrialResult)
        assert isinstance(theirs, TrialResult)
        for a, b in zip(ours.folds, theirs.folds, strict=True):
            np.testing.assert_array_equal(a.predicted, b.predicted)


def test_no_gradient_is_left_or_changed(context: FitContext) -> None:
    stack = Stack(context, TRIALS, lambda _: ())
    module = stack.module
    network = context.network
    batches = TrainBatches(
        context.data, stack.streams, context.plan, network.layout.dropout_width, 0.2, epoch=0
    )
    batch = next(iter(batches))
    module.training_step(batch, 0).backward()
    before = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.note_gradient_shares(module.sequence_losses(batch)[0].mean(1))
    assert module.shares is not None
    assert not module.shares.requires_grad
    after = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    assert before.keys() == after.keys()
    for name, gradient in before.items():
        torch.testing.assert_close(after[name], gradient, rtol=0, atol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_other_formats_come_near(sequences: SequenceSet, precision: str) -> None:
    trials = [TrialSpec("a", LossConfig()), TrialSpec("b", LossConfig(auto_weighting="uw_so"))]
    wide, _ = train(FitContext(sequences, settings(epochs=1)), trials)
    narrow, _ = train(FitContext(sequences, settings(epochs=1, precision=precision)), trials)
    for key in wide:
        for name in NAMES:
            assert narrow[key][0][name] == pytest.approx(wide[key][0][name], abs=0.02)


def test_what_is_not_finite_is_nan_in_its_own_replica_alone() -> None:
    flat = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    slopes = torch.tensor(
        [[3.0, 1.0, 4.0, 2.0], [3.0, torch.inf, 1.0, 1.0], [3.0, 1.0, 1.0, 5.0], [0.0] * 4],
        dtype=torch.float64,
    )
    unused = torch.zeros(4, 4, dtype=torch.float64)
    unused[2, 3] = torch.nan
    losses = slopes * flat.sum(1, keepdim=True)
    losses = losses + unused
    weights = torch.tensor([1.0, 3.0, 0.5, 1.0], dtype=torch.float64).expand(4, 4)
    active = torch.ones(4, 4, dtype=torch.bool)
    active[2, 3] = False
    found = gradient_shares(flat, losses, weights, active)
    assert found[0].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert found[1].isnan().all()
    assert found[2, :3].tolist() == pytest.approx([3 / 6.5, 3 / 6.5, 0.5 / 6.5])
    assert found[2, 3].isnan()
    assert found[3].isnan().all()
    assert flat.grad is None


def test_cost_is_one_pass_forward_and_four_back(
    context: FitContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a whole training, however many epochs it has."""
    passes: Counter[str] = Counter()
    forward, gradient = StackModule.forward, torch.autograd.grad

    def counted_forward(self: StackModule, batch: StackBatch) -> Logits:
        passes["forward"] += torch.is_grad_enabled()
        return forward(self, batch)

    def counted_gradient(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # handed on as they came
        passes["backward"] += 1
        return gradient(*args, **kwargs)

    monkeypatch.setattr(StackModule, "forward", counted_forward)
    monkeypatch.setattr(torch.autograd, "grad", counted_gradient)
    fit(context, TRIALS[:2])
    training = context.plan.steps * context.settings.training.epochs
    assert passes == {"forward": training + 1, "backward": 4}
