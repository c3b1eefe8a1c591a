"""Homoscedastic uncertainty weighting.

Kendall, Gal, Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh
Losses", CVPR, arXiv 1705.07115, in the form without the factor 1/2 that is used
in practice: total = sum over terms of exp(-s) L + s, with s = log variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import TERMS, LossConfig
from model.weighting.base import ClampedWeighting


class Uncertainty(ClampedWeighting):
    """One learned scalar s per term."""

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        super().__init__(configs, class_counts)
        self.s = self.scalars([start(config) for config in configs])
        self.project()

    def terms_in_use(self) -> Tensor:
        """Terms with a head; where s starts at -log of the fixed weight, only those above 0."""
        matched = [[c.uncertainty_init_value == "matched"] for c in self.configs]
        return self.heads_in_use() & ((self.fixed > 0) | ~torch.tensor(matched))

    def weights(self) -> Tensor:
        """[n, 4]: exp(-s)."""
        return torch.where(self.active, (-self.s).exp(), 0.0)

    def total(self, losses: Tensor) -> Tensor:
        """[n]: sum of exp(-s) L + s."""
        return super().total(losses) + torch.where(self.active, self.s, 0.0).sum(1)

    def report(self) -> dict[str, Tensor]:
        """Weights, and s of each term."""
        s = self.s.detach().masked_fill(~self.active, torch.nan)
        return super().report() | {f"s_{term}": s[:, i].clone() for i, term in enumerate(TERMS)}


def start(config: LossConfig) -> list[float]:
    """Starting s of each term."""
    if config.uncertainty_init_value != "matched":
        return [config.uncertainty_init_value] * len(TERMS)
    weights = (config.fixed_weights.get(term, 0.0) for term in TERMS)
    return [-math.log(weight) if weight > 0 else 0.0 for weight in weights]
