"""Direct weights: the fixed formula with its three constants learned.

alpha = sigmoid(a), nine_class = exp(b), kl = exp(c), started at the fixed
values. Nothing keeps the weights from falling together, and a falling weight
lowers the loss: what this arm is there to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import LossConfig
from model.weighting.base import ClampedWeighting


class Direct(ClampedWeighting):
    """Three learned scalars a, b, c; one that starts at weight 0 has none and stays 0."""

    learned: Tensor
    """[n, 3] bool, which of a, b, c are learned."""

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        super().__init__(configs, class_counts)
        has_alpha = self.active[:, 0] & self.active[:, 1]
        learned = torch.stack((has_alpha, self.active[:, 2], self.active[:, 3]), dim=1)
        self.register_buffer("learned", learned)
        self.raw = self.scalars([start(config) for config in configs])
        self.project()

    def alpha(self) -> Tensor:
        """[n] weight of the multiclass loss."""
        return torch.where(self.learned[:, 0], self.raw[:, 0].sigmoid(), self.fixed[:, 0])

    def weights(self) -> Tensor:
        """[n, 4]: alpha, 1 - alpha, exp(b), exp(c)."""
        alpha = self.alpha()
        rest = torch.where(self.learned[:, 1:], self.raw[:, 1:].exp(), 0.0)
        return torch.cat((torch.stack((alpha, 1 - alpha), dim=1), rest), dim=1)

    def report(self) -> dict[str, Tensor]:
        """Weights, and alpha."""
        return super().report() | {"alpha": self.alpha().detach().clone()}


def start(config: LossConfig) -> list[float]:
    """Starting a, b, c; 0 stands in for a scalar that is not learned."""
    alpha = config.alpha
    weights = config.fixed_weights
    logit = math.log(alpha / (1 - alpha)) if 0 < alpha < 1 else 0.0
    rest = (weights.get("nine_class", 0.0), weights.get("kl", 0.0))
    return [logit, *(math.log(weight) if weight > 0 else 0.0 for weight in rest)]
