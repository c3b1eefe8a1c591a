"""What a stack did in one epoch, gathered on its device and read once.

Notation: R replicas, B sequences of a batch, N fine classes, 4 terms in the
order of `model.config.TERMS`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.config import TERMS
from model.hierarchy import Hierarchy
from model.score import confusion, scores


def named_terms(prefix: str, losses: Tensor, active: Tensor) -> dict[str, Tensor]:
    """Name the columns of [R, 4]; NaN where a replica does not use the term."""
    shown = losses.masked_fill(~active, torch.nan)
    return {f"{prefix}_{term}": shown[:, i] for i, term in enumerate(TERMS)}


class TrainingMeter:
    """Means over the training steps of one epoch."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._totals: list[Tensor] = []

    def add(self, losses: Tensor, total: Tensor) -> None:
        """Take in one step: [R, 4] and [R]."""
        self._losses.append(losses.detach())
        self._totals.append(total.detach())

    def summary(self, active: Tensor) -> dict[str, Tensor]:
        """[R] each: train_<term> and train_total."""
        mean = torch.stack(self._losses).mean(0)
        total = torch.stack(self._totals).mean(0)
        return named_terms("train", mean, active) | {"train_total": total}


class ValidationMeter:
    """Losses and predictions of one pass over the test folds."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._counts: list[Tensor] = []
        self._label: list[Tensor] = []
        self._predicted: list[Tensor] = []
        self._counted: list[Tensor] = []

    def add(self, losses: Tensor, label: Tensor, predicted: Tensor, counted: Tensor) -> None:
        """Take in one batch: [R, B, 4] losses, then [R, B] each."""
        weight = counted.unsqueeze(-1).to(losses.dtype)
        self._losses.append((losses * weight).sum(1).detach())
        self._counts.append(weight.sum(1))
        self._label.append(label)
        self._predicted.append(predicted)
        self._counted.append(counted)

    def losses(self) -> Tensor:
        """[R, 4] mean over the sequences of each test fold."""
        return torch.stack(self._losses).sum(0) / torch.stack(self._counts).sum(0)

    def predictions(self) -> tuple[Tensor, Tensor]:
        """Fine ids predicted and whether they count, [R, V] each, in the order served."""
        return torch.cat(self._predicted, 1), torch.cat(self._counted, 1)

    def scores(self, hierarchy: Hierarchy) -> dict[str, Tensor]:
        """[R] each: score, binary_f1, macro_f1."""
        predicted, counted = self.predictions()
        counts = confusion(torch.cat(self._label, 1), predicted, counted, len(hierarchy.fine))
        found = scores(counts, hierarchy)
        return {
            "score": found.score,
            "binary_f1": found.binary_f1,
            "macro_f1": found.macro_f1,
        }
