"""Dynamic weight average: terms whose loss falls slowly weigh more.

Liu, Johns, Davison 2019, "End-to-End Multi-Task Learning with Attention", CVPR,
arXiv 1803.10704, where it is called Dynamic Weight Average: in epoch t

    w_i = n exp(r_i / T) / sum over terms exp(r_j / T),    r_i = L_i(t - 1) / L_i(t - 2)

with n terms in use and L_i(t) the mean training loss of epoch t; 1 in the first
two epochs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import LossConfig
from model.weighting.stepwise import LEAST_LOSS, StepwiseWeighting


class DynamicWeightAverage(StepwiseWeighting):
    """Weights from the losses of the two epochs before."""

    of_epoch: Tensor
    """[n, 4] weights of every step of this epoch."""
    losses: Tensor
    """[n, 4] sum of the losses of this epoch's steps."""
    last: Tensor
    """[n, 4] mean losses of the epoch before."""

    usual_temperature = 2.0

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        super().__init__(configs, class_counts)
        self.now = self.active.to(self.fixed.dtype)
        self.register_buffer("of_epoch", self.now)
        self.register_buffer("losses", torch.zeros_like(self.fixed))
        self.register_buffer("last", torch.zeros_like(self.fixed))
        self.epochs = 0

    def rule(self, losses: Tensor, draws: Tensor | None) -> Tensor:
        """[n, 4] the epoch's weights; notes the losses for the epochs to come."""
        del draws
        self.losses = self.losses + losses
        return self.of_epoch

    @torch.no_grad()
    def end_epoch(self) -> None:
        """Close the epoch and set the weights of the steps of the next."""
        if not self.steps:
            return
        mean = (self.losses / self.steps).clamp_min(LEAST_LOSS)
        super().end_epoch()
        self.now = self.of_epoch
        if self.epochs:
            terms = self.active.sum(1, keepdim=True)
            self.of_epoch = terms * self.shares(mean / self.last / self.temperature)
        self.losses = torch.zeros_like(self.losses)
        self.last = mean
        self.epochs += 1
