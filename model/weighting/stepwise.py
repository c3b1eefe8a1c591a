"""Weights that a rule sets anew at every training step; nothing is learned.

Notation: n replicas that share the scheme, 4 terms.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import LossConfig
from model.weighting.base import Weighting

LEAST_LOSS = 1e-6
"""Losses below count as this much where one is divided by: rounding takes kl to 0 and under."""


class StepwiseWeighting(Weighting):
    """A scheme with a rule for the weights of each training step.

    After an epoch its weights are their means over the epoch's training steps: the
    test side is weighed by these, and these are logged.
    """

    stepwise = True

    now: Tensor
    """[n, 4] weights at present."""
    summed: Tensor
    """[n, 4] sum of the weights of this epoch's steps."""
    temperature: Tensor
    """[n, 1]; the higher, the more even the weights."""

    usual_temperature = 1.0
    """For configurations that name none."""

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        super().__init__(configs, class_counts)
        told = [self.usual_temperature if c.temperature is None else c.temperature for c in configs]
        self.register_buffer("temperature", self.column(told))
        self.register_buffer("now", self.shares(torch.zeros_like(self.fixed)))
        self.register_buffer("summed", torch.zeros_like(self.fixed))
        self.steps = 0

    def terms_in_use(self) -> Tensor:
        """multiclass and binary always, nine_class with its head, kl if kl_weight > 0."""
        return self.heads_in_use()

    def shares(self, scores: Tensor) -> Tensor:
        """Softmax over the terms in use, [n, 4]; 0 for the others."""
        return scores.masked_fill(~self.active, -torch.inf).softmax(1)

    @abstractmethod
    def rule(self, losses: Tensor, draws: Tensor | None) -> Tensor:
        """Weights of a training step, [n, 4]; arguments as in `step`."""

    def weights(self) -> Tensor:
        """[n, 4] of the step just begun, or means over the epoch just ended."""
        return self.now

    @torch.no_grad()
    def step(self, losses: Tensor, draws: Tensor | None) -> None:
        """Set the weights of a training step by the rule.

        Args:
            losses: [n, 4] of the step.
            draws: [n, 4] standard normal of the step; None if the batch has none.
        """
        self.now = self.rule(losses.detach(), draws)
        self.summed = self.summed + self.now
        self.steps += 1

    @torch.no_grad()
    def end_epoch(self) -> None:
        """Set the weights to their means over the epoch; nothing if no step was taken."""
        if self.steps:
            self.now = self.summed / self.steps
            self.summed = torch.zeros_like(self.summed)
            self.steps = 0
