"""The stack under Lightning against loops written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from model.config import TERMS, LossConfig
from model.data.batches import StackBatch
from model.data.sequences import SequenceSet
from model.fit import FitContext, Stack, fit
from model.module import StackModule
from model.network.parameters import Parameters
from model.optimizer import ReplicaAdamW
from model.outcomes import EpochReport, TrialSpec
from tests.model.conftest import HIERARCHY, settings


def stack(context: FitContext, *losses: LossConfig) -> Stack:
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(losses)]
    return Stack(context, trials, lambda _: ())


def plain_losses(module: StackModule, flat: Tensor, batch: StackBatch, row: int) -> list[Tensor]:
    """The four losses of one replica, in torch's own terms."""
    s = int(module.stream[row])
    keep = None if batch.keep is None else batch.keep[s : s + 1]
    network = module.network
    logits = network(
        network.windows(batch.x[s : s + 1]),
        batch.mask[s : s + 1, :, :: network.config.stride],
        Parameters(network.layout, flat, keep),
    )
    label = batch.label[s]
    coarse = torch.from_numpy(HIERARCHY.fine_to_coarse)[label]
    target = torch.from_numpy(HIERARCHY.is_target)[label].to(flat.dtype)
    summed = logits.fine[0].softmax(-1) @ torch.from_numpy(HIERARCHY.member).to(flat.dtype)
    return [
        F.cross_entropy(logits.fine[0], label, label_smoothing=0.1),
        F.binary_cross_entropy_with_logits(logits.binary[0], target),
        F.cross_entropy(logits.coarse[0], coarse, label_smoothing=0.1),
        F.kl_div(
            logits.coarse[0].log_softmax(-1), summed.log(), log_target=True, reduction="batchmean"
        ),
    ]


def cosine(step: int, steps: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def by_hand(context: FitContext, loss: LossConfig, row: int) -> tuple[Tensor, list[float]]:
    """Train one fold with the fixed formula and torch's AdamW; parameters and total losses."""
    made = stack(context, loss)
    training = context.settings.training
    flat = torch.nn.Parameter(made.module.flat.detach()[row : row + 1].clone())
    optimizer = torch.optim.AdamW(
        [flat], lr=training.learning_rate, weight_decay=training.weight_decay
    )
    steps = context.plan.steps * training.epochs
    made.batches.trainer = pl.Trainer(logger=False, enable_checkpointing=False)
    totals = []
    for step in range(steps):
        if step % context.plan.steps == 0:
            made.batches.trainer.fit_loop.epoch_progress.current.completed = (
                step // context.plan.steps
            )
            batches = iter(made.batches.train_dataloader())
        fine, binary, nine, kl = plain_losses(made.module, flat, next(batches), row)
        total = loss.alpha * fine + (1 - loss.alpha) * binary
        total = total + loss.nine_class_loss_weight * nine + loss.kl_weight * kl
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate * cosine(
                step, steps, round(training.warmup * steps)
            )
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_([flat], training.clip_norm)
        optimizer.step()
        totals.append(total.item())
    return flat.detach(), totals


def test_none_is_what_it_was(sequences: SequenceSet) -> None:
    """Same losses, same parameters after 20 steps as a hand-written fixed loop."""
    context = FitContext(sequences, settings(epochs=6))
    loss = LossConfig(alpha=0.7, nine_class_loss_weight=0.3, kl_weight=0.2)
    assert context.plan.steps * 6 >= 20
    ours: dict[str, list[Tensor]] = {"flat": [], "total": []}
    made = stack(context, loss)

    class Watch(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            ours["flat"].append(made.module.flat.detach().clone())
            ours["total"].append(
                made.module.train_meter.summary(made.module.weighting.active())["train_total"]
            )

    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=6,
        callbacks=[Watch()],
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(made.module, datamodule=made.batches)
    optimizer = made.module.optimizers(use_pl_optimizer=False)
    assert isinstance(optimizer, ReplicaAdamW)
    assert len(optimizer.param_groups) == 1
    for row in range(2):
        flat, totals = by_hand(context, loss, row)
        torch.testing.assert_close(ours["flat"][-1][row : row + 1], flat, atol=1e-7, rtol=0)
        mean_last = sum(totals[-context.plan.steps :]) / context.plan.steps
        assert float(ours["total"][-1][row]) == pytest.approx(mean_last, abs=1e-7)


def test_learned_scalars_are_a_group_of_their_own(context: FitContext) -> None:
    module = stack(context, LossConfig(auto_weighting="uncertainty")).module
    optimizer = module.configure_optimizers()["optimizer"]
    network, scalars = optimizer.param_groups
    assert network["weight_decay"] == context.settings.training.weight_decay
    assert scalars["weight_decay"] == 0
    assert [p.shape for p in scalars["params"]] == [(2, 4)]


@pytest.mark.parametrize("multiplier", [0.1, 10.0])
def test_learned_scalars_move_at_their_own_rate(context: FitContext, multiplier: float) -> None:
    """One AdamW step moves a scalar by its learning rate, whatever the gradient."""
    loss = LossConfig(auto_weighting="uncertainty", lr_multiplier=multiplier)
    module = stack(context, loss, LossConfig()).module
    optimizer = module.configure_optimizers()["optimizer"]
    ((rows, scalars),) = module.learned_scalars()
    scalars.grad = torch.full_like(scalars, 3.0)
    module.flat.grad = torch.zeros_like(module.flat)
    rate = optimizer.param_groups[1]["lr"]
    optimizer.step()
    torch.testing.assert_close(
        scalars.detach(), torch.full_like(scalars, -rate * multiplier), rtol=1e-6, atol=0
    )
    assert rows.tolist() == [0, 1]


def test_clip_is_per_replica_and_covers_the_scalars(context: FitContext) -> None:
    module = stack(context, LossConfig(auto_weighting="uncertainty"), LossConfig()).module
    ((_, scalars),) = module.learned_scalars()
    module.flat.grad = torch.zeros_like(module.flat)
    module.flat.grad[:, 0] = torch.tensor([3.0, 0.3, 30.0, 0.0], dtype=torch.float64)
    scalars.grad = torch.zeros_like(scalars)
    scalars.grad[0, 0] = 4.0
    module.configure_gradient_clipping(module.configure_optimizers()["optimizer"])
    norms = module.flat.grad.norm(dim=1)
    expected = torch.tensor([3 / 5, 0.3, 1.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(norms, expected, atol=1e-5, rtol=0)
    assert scalars.grad[0, 0].item() == pytest.approx(4 / 5, abs=1e-5)


def test_training_and_validation_compute_the_same_total(context: FitContext) -> None:
    made = stack(context, LossConfig(auto_weighting="direct"), LossConfig(auto_weighting="equal"))
    batch = next(iter(made.batches.val_dataloader()))
    whole = StackBatch(batch.x, batch.mask, batch.label, torch.ones_like(batch.counted), None)
    made.module.validation_meter.__init__()  # type: ignore[misc]  # a fresh pass
    validation = made.module.validation_step(whole, 0)
    training = made.module.training_step(whole, 0)
    torch.testing.assert_close(validation.sum(), training)


@pytest.mark.parametrize("name", ["random", "dwa", "uw_so"])
def test_validation_uses_the_mean_weights_of_the_epoch(context: FitContext, name: str) -> None:
    """After one step that mean is the step's: training and validation total are the same."""
    made = stack(context, LossConfig(auto_weighting=name), LossConfig())
    batch = next(iter(made.batches.val_dataloader()))
    draws = torch.arange(8.0, dtype=torch.float64).view(2, 4).sin()
    counted = torch.ones_like(batch.counted)
    whole = StackBatch(batch.x, batch.mask, batch.label, counted, None, draws)
    training = made.module.training_step(whole, 0)
    made.module.on_validation_epoch_start()
    torch.testing.assert_close(made.module.validation_step(whole, 0).sum(), training)
    metrics = made.module.epoch_metrics()
    weights = torch.stack([metrics[f"weight_{term}"] for term in TERMS], 1)
    losses = torch.stack([metrics[f"val_{term}"] for term in TERMS], 1)
    torch.testing.assert_close((weights * losses).sum(1), metrics["val_total"])
    torch.testing.assert_close(metrics["train_total"].sum(), training)


def test_logs_each_epoch(context: FitContext) -> None:
    """weight_<term> = exp(-s) and s_<term>, per fold, detached from the graph."""
    rows: list[EpochReport] = []
    loss = LossConfig(auto_weighting="uncertainty", lr_multiplier=10)

    def on_epoch(reports: Sequence[EpochReport]) -> tuple[str, ...]:
        rows.extend(reports)
        return ()

    fit(context, [TrialSpec("a", loss)], on_epoch)
    assert [row.epoch for row in rows] == [0, 1]
    for row in rows:
        for term in TERMS:
            weight, s = row.metrics[f"weight_{term}"], row.metrics[f"s_{term}"]
            assert weight.shape == (2,)
            torch.testing.assert_close(torch.tensor(weight), torch.tensor(-s).exp())
            for side in ("train", "val"):
                assert f"{side}_{term}" in row.metrics
    moved = rows[1].metrics["s_multiclass"] - rows[0].metrics["s_multiclass"]
    assert (abs(moved) > 0.01).all()


def test_lightning_sees_the_logs(context: FitContext) -> None:
    made = stack(context, LossConfig(auto_weighting="uncertainty"))
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(made.module, datamodule=made.batches)
    assert {"weight_kl", "s_multiclass", "score", "val_total"} <= set(trainer.callback_metrics)
