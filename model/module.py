"""The LightningModule of a stack: automatic optimisation, everything per replica.

Notation: R replicas, S streams, B sequences, P parameters, 4 terms in the order
of `model.config.TERMS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from model.config import TERMS, LossConfig, TrainingConfig
from model.data.batches import StackBatch
from model.gradients import gradient_shares
from model.hierarchy import Hierarchy
from model.losses import HierarchyLosses
from model.metrics import TrainingMeter, ValidationMeter, named_terms
from model.network.parameters import Parameters
from model.network.squeezeformer import Logits, Squeezeformer
from model.optimizer import ReplicaAdamW, clip_per_replica, cosine_with_warmup
from model.weighting.mixed import MixedWeighting

FAULTS = (*TERMS, "total", "gradient")
"""What can stop being finite, in the order it is looked at."""


class StackModule(pl.LightningModule):
    """R replicas of one network, each with losses, weighting and optimizer state of its own."""

    smoothing: Tensor
    stream: Tensor
    alive: Tensor
    fault: Tensor

    def __init__(
        self,
        network: Squeezeformer,
        hierarchy: Hierarchy,
        losses: Sequence[LossConfig],
        training: TrainingConfig,
        *,
        initial: Tensor,
        stream: Sequence[int],
        steps: int,
    ) -> None:
        """Put a stack together.

        Args:
            network: reads its slots from the flat parameter.
            hierarchy: labels.
            losses: R of them.
            training: recipe, the same for all.
            initial: [R, P] starting parameters.
            stream: R positions in the streams of a batch.
            steps: of the whole training, for the schedule.
        """
        super().__init__()
        self.network = network
        self.hierarchy = hierarchy
        self.training_config = training
        self.steps = steps
        self.flat = nn.Parameter(initial)
        counts = (len(hierarchy.fine), 2, len(hierarchy.coarse))
        self.weighting = MixedWeighting(losses, counts).to(initial.dtype)
        self.losses = HierarchyLosses(hierarchy)
        smoothing = torch.tensor([config.label_smoothing for config in losses])
        self.register_buffer("smoothing", smoothing)
        self.register_buffer("stream", torch.tensor(stream))
        self.is_a_stream_each = is_a_stream_each(stream)
        self.register_buffer("alive", torch.ones(len(losses), dtype=torch.bool))
        self.register_buffer("fault", torch.full((len(losses),), -1))
        self.train_meter = TrainingMeter()
        self.validation_meter = ValidationMeter()
        self.shares: Tensor | None = None

    def forward(self, batch: StackBatch) -> Logits:
        """Classify the sequences of a batch, every replica those of its stream."""
        stride = self.network.config.stride
        keep = None if batch.keep is None else self._of_rows(batch.keep)
        return self.network(
            self._of_rows(self.network.windows(batch.x)),
            self._of_rows(batch.mask[:, :, ::stride]),
            Parameters(self.network.layout, self.flat, keep),
        )

    def _of_rows(self, of_streams: Tensor) -> Tensor:
        """[S, ...] -> [R, ...]: what belongs to each replica's stream."""
        return of_streams if self.is_a_stream_each else of_streams[self.stream]

    def sequence_losses(self, batch: StackBatch) -> tuple[Tensor, Logits]:
        """[R, B, 4] losses of every sequence, and the logits they come from."""
        logits = self(batch)
        losses: Tensor = self.losses(logits, self._of_rows(batch.label), self.smoothing)
        return losses, logits

    def training_step(self, batch: StackBatch, _: int) -> Tensor:
        """Sum over replicas of their totals: each gets exactly its own gradient."""
        losses = self.sequence_losses(batch)[0].mean(1)
        self.weighting.step(losses, batch.draws, self.stream)
        total: Tensor = self.weighting(losses)
        self.train_meter.add(losses, total)
        with torch.no_grad():
            term_finite = losses.isfinite() | ~self.weighting.active()
            finite = torch.cat((term_finite, total.isfinite().unsqueeze(1)), 1)
            self._mark(finite.all(1), (~finite).int().argmax(1))
        return torch.where(self.alive, total, 0.0).sum()

    def validation_step(self, batch: StackBatch, _: int) -> Tensor:
        """Totals of the batch, [R], by the same losses and weights as in training."""
        losses, logits = self.sequence_losses(batch)
        counted = self._of_rows(batch.counted)
        predicted = logits.fine.argmax(-1)
        self.validation_meter.add(losses, self._of_rows(batch.label), predicted, counted)
        weight = counted.unsqueeze(-1).to(losses.dtype)
        total: Tensor = self.weighting((losses * weight).sum(1) / weight.sum(1).clamp_min(1))
        return total

    def transfer_batch_to_device(
        self, batch: StackBatch, device: torch.device, dataloader_idx: int
    ) -> StackBatch:
        """Batches are gathered on the device; there is nothing to move."""
        del device, dataloader_idx
        return batch

    def on_train_epoch_start(self) -> None:
        """Start the epoch's accumulators."""
        self.train_meter = TrainingMeter()

    def on_validation_epoch_start(self) -> None:
        """Close the epoch for the weights, which the test side is then weighed by."""
        self.weighting.end_epoch()
        self.validation_meter = ValidationMeter()

    def on_validation_epoch_end(self) -> None:
        """Log the mean over replicas of every metric; the values of each are handed out apart."""
        means = {name: values.nanmean() for name, values in self.epoch_metrics().items()}
        self.log_dict(means)

    @torch.no_grad()
    def epoch_metrics(self) -> dict[str, Tensor]:
        """What the last epoch came to, [R] each; NaN where a replica has no such value."""
        active = self.weighting.active()
        losses = self.validation_meter.losses()
        total: Tensor = self.weighting(losses)
        return (
            self.validation_meter.scores(self.hierarchy)
            | self.train_meter.summary(active)
            | named_terms("val", losses, active)
            | {"val_total": total}
            | self.weighting.report()
            | ({} if self.shares is None else named_terms("gradient_share", self.shares, active))
        )

    def note_gradient_shares(self, losses: Tensor) -> None:
        """Have `epoch_metrics` tell the terms' shares of the gradient, from losses [R, 4]."""
        weights, active = self.weighting.weights(), self.weighting.active()
        self.shares = gradient_shares(self.flat, losses, weights, active)

    def _mark(self, finite: Tensor, fault: Tensor) -> None:
        """Take replicas out whose `finite` [R] is False, for the reason `fault` [R]."""
        self.fault = torch.where(self.alive & ~finite, fault, self.fault)
        self.alive = self.alive & finite

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # Lightning's own type is a union of twelve
        """AdamW; learned scalars, if any, are a second group without weight decay."""
        learned = self.learned_scalars()
        groups: list[dict[str, object]] = [
            {"params": [self.flat], "weight_decay": self.training_config.weight_decay}
        ]
        if learned:
            groups.append({"params": [scalars for _, scalars in learned], "weight_decay": 0.0})
        factor = {
            scalars: part.weighting.lr_multiplier
            for part in self.weighting.parts
            for scalars in part.weighting.parameters()
        }
        optimizer = ReplicaAdamW(groups, factor, lr=self.training_config.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, cosine_with_warmup(self.training_config, self.steps)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def learned_scalars(self) -> list[tuple[Tensor, nn.Parameter]]:
        """(rows [n], scalars [n, k]) of every scheme that learns."""
        return [
            (part.rows, scalars)
            for part in self.weighting.parts
            for scalars in part.weighting.parameters()
        ]

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *_: object, **__: object
    ) -> None:
        """Clip each replica's own norm; one whose gradient is not finite is taken out."""
        del optimizer
        clip = self.training_config.clip_norm
        finite = clip_per_replica(self.flat, self.learned_scalars(), clip)
        self._mark(finite, torch.full_like(self.fault, FAULTS.index("gradient")))

    def on_train_batch_end(self, *_: object) -> None:
        """Bring learned scalars back inside their bounds."""
        self.weighting.project()

    @torch.no_grad()
    def keep(self, kept: Tensor) -> list[int]:
        """Go on with the replicas at ascending positions `kept` [m] alone.

        Returns:
            Positions of the streams still in use; batches hold these alone from now on.
        """
        rows = {self.flat: kept} | self.weighting.keep(kept)
        self.flat.data = self.flat.data[kept]
        self.flat.grad = None
        for name in ("smoothing", "alive", "fault"):
            setattr(self, name, getattr(self, name)[kept])
        streams, renumbered = self.stream[kept].unique(return_inverse=True)
        self.stream = renumbered
        self.is_a_stream_each = is_a_stream_each(renumbered.tolist())
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, ReplicaAdamW)
        optimizer.keep(rows)
        return list(streams.tolist())


def is_a_stream_each(stream: Sequence[int]) -> bool:
    """Whether R replicas have R streams, in their order: nothing need be copied to share it."""
    return list(stream) == list(range(len(stream)))
