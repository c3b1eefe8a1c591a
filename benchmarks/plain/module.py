"""The LightningModule of one fold: the fixed formula, AdamW, cosine, validation F1."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import Tensor

from benchmarks.plain.data import Padded
from benchmarks.plain.network import PlainSqueezeformer
from model.config import LossConfig, NetworkConfig, TrainingConfig
from model.hierarchy import Hierarchy


def at_least_fp32(x: Tensor) -> Tensor:
    """Losses of half-precision logits are computed in fp32."""
    return x if x.dtype == torch.float64 else x.float()


class PlainModule(pl.LightningModule):
    """One network, trained and validated on one fold."""

    fine_to_coarse: Tensor
    is_target: Tensor

    def __init__(
        self,
        network: NetworkConfig,
        training: TrainingConfig,
        loss: LossConfig,
        hierarchy: Hierarchy,
        channels: int,
    ) -> None:
        super().__init__()
        self.network = PlainSqueezeformer(
            network, channels, len(hierarchy.fine), len(hierarchy.coarse)
        )
        self.training_config = training
        self.loss = loss
        self.register_buffer("fine_to_coarse", torch.from_numpy(hierarchy.fine_to_coarse))
        self.register_buffer("is_target", torch.from_numpy(hierarchy.is_target))
        self.validated: list[tuple[Tensor, Tensor]] = []
        self.score = math.nan

    def losses(self, batch: Padded) -> tuple[dict[str, Tensor], Tensor]:
        """The four losses of a batch, and the fine class predicted of each sequence, [B]."""
        fine, coarse, binary = map(at_least_fp32, self.network(batch.x, batch.exists))
        smoothing = self.loss.label_smoothing
        coarse_label = self.fine_to_coarse[batch.label]
        summed = torch.zeros_like(coarse).index_add(1, self.fine_to_coarse, fine.softmax(-1))
        found = {
            "multiclass": F.cross_entropy(fine, batch.label, label_smoothing=smoothing),
            "binary": F.binary_cross_entropy_with_logits(
                binary, self.is_target[batch.label].to(binary.dtype)
            ),
            "nine_class": F.cross_entropy(coarse, coarse_label, label_smoothing=smoothing),
            "kl": F.kl_div(coarse.log_softmax(-1), summed, reduction="batchmean"),
        }
        return found, fine.argmax(-1)

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The fixed formula."""
        config = self.loss
        return (
            config.alpha * losses["multiclass"]
            + (1 - config.alpha) * losses["binary"]
            + config.nine_class_loss_weight * losses["nine_class"]
            + config.kl_weight * losses["kl"]
        )

    def training_step(self, batch: Padded, _: int) -> Tensor:
        """Loss of one batch."""
        losses, _predicted = self.losses(batch)
        total = self.total(losses)
        self.log("train_loss", total, on_step=False, on_epoch=True, batch_size=len(batch.label))
        return total

    def validation_step(self, batch: Padded, _: int) -> None:
        """Gather losses and predictions."""
        losses, predicted = self.losses(batch)
        shown = {f"val_{name}": value for name, value in losses.items()}
        self.log_dict(shown, batch_size=len(batch.label))
        self.validated.append((batch.label, predicted))

    def on_validation_epoch_end(self) -> None:
        """Score the fold: mean of binary F1 and macro F1 over coarse classes."""
        label = torch.cat([part[0] for part in self.validated])
        predicted = torch.cat([part[1] for part in self.validated])
        self.validated.clear()
        binary = f1_score(self.is_target[label].cpu(), self.is_target[predicted].cpu())
        macro = f1_score(
            self.fine_to_coarse[label].cpu(), self.fine_to_coarse[predicted].cpu(), average="macro"
        )
        self.score = float(binary + macro) / 2
        self.log("val_score", self.score)

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # Lightning's own type is a union of twelve
        """AdamW under a linear warm-up and a cosine, by step."""
        training = self.training_config
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = max(1, round(training.warmup * steps))

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]
