"""What every weighting scheme has in common.

Notation: n replicas that share the scheme, 4 terms in the order of
`model.config.TERMS`. A scheme may keep learned scalars, one row a replica, in
parameters of shape [n, k]. Everything is made in fp64 and cast with the stack.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.config import TERMS, LossConfig


class Weighting(nn.Module, ABC):
    """Turns the four losses of n replicas into one total each."""

    stepwise = False
    """Whether `step` sets the weights at every training step (`model.weighting.stepwise`)."""

    active: Tensor
    """[n, 4] bool, terms this replica uses."""
    fixed: Tensor
    """[n, 4] weights of the fixed formula; 0 for terms without a head."""
    lr_multiplier: Tensor
    """[n, 1] learning rate of the learned scalars over that of the network."""
    low: Tensor
    """[n, 1] lower bound of learned scalars."""
    high: Tensor
    """[n, 1] upper bound of learned scalars."""

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        """Read the configuration of each replica.

        Args:
            configs: n of them.
            class_counts: classes of the multiclass, binary and nine_class loss.
        """
        super().__init__()
        self.configs = tuple(configs)
        self.class_counts = tuple(class_counts)
        table = [[config.fixed_weights.get(term, 0.0) for term in TERMS] for config in configs]
        self.register_buffer("fixed", torch.tensor(table, dtype=torch.float64))
        self.register_buffer("active", self.terms_in_use())
        self.register_buffer("lr_multiplier", self.column([c.lr_multiplier for c in configs]))
        self.register_buffer("low", self.column([c.auto_weight_clamp[0] for c in configs]))
        self.register_buffer("high", self.column([c.auto_weight_clamp[1] for c in configs]))

    def terms_in_use(self) -> Tensor:
        """[n, 4] bool. Unless a scheme says otherwise: terms with a fixed weight above 0."""
        return self.fixed > 0

    @staticmethod
    def column(values: Sequence[float]) -> Tensor:
        """[n, 1] of one value a replica."""
        return torch.tensor(values, dtype=torch.float64).unsqueeze(1)

    @staticmethod
    def scalars(starts: Sequence[Sequence[float]]) -> nn.Parameter:
        """Make learned scalars, [n, k], from their starting values."""
        return nn.Parameter(torch.tensor(starts, dtype=torch.float64))

    def heads_in_use(self) -> Tensor:
        """[n, 4] bool: multiclass and binary always, nine_class with its head, kl if weighted."""
        table = [
            [True, True, c.nine_class_head_enabled, c.fixed_weights.get("kl", 0.0) > 0]
            for c in self.configs
        ]
        return torch.tensor(table)

    @abstractmethod
    def weights(self) -> Tensor:
        """Weight of each term now, [n, 4], with gradient; 0 for terms not in use."""

    def total(self, losses: Tensor) -> Tensor:
        """Total loss, [n, 4] -> [n]; unless a scheme says otherwise the weighted sum."""
        return (self.weights() * losses).sum(1)

    def forward(self, losses: Tensor) -> Tensor:
        """Total loss of each replica, [n, 4] -> [n]; terms not in use have no say."""
        return self.total(torch.where(self.active, losses, 0.0))

    def project(self) -> None:
        """Bring learned scalars back inside their bounds, after each optimizer step."""

    def step(self, losses: Tensor, draws: Tensor | None) -> None:
        """Set the weights of a training step: its losses [n, 4] and normal draws [n, 4]."""

    def end_epoch(self) -> None:
        """Close an epoch of training steps."""

    @torch.no_grad()
    def report(self) -> dict[str, Tensor]:
        """What is logged each epoch: [n] each, detached, NaN where a replica has no such value."""
        weights = self.weights().masked_fill(~self.active, torch.nan)
        return {f"weight_{term}": weights[:, i].clone() for i, term in enumerate(TERMS)}

    @torch.no_grad()
    def keep(self, rows: Tensor) -> None:
        """Keep the replicas at positions `rows` [m] and forget the others."""
        self.configs = tuple(self.configs[i] for i in rows.tolist())
        for name, buffer in list(self.named_buffers()):
            setattr(self, name, buffer[rows])
        for parameter in self.parameters():
            parameter.data = parameter.data[rows]
            parameter.grad = None


class ClampedWeighting(Weighting):
    """A scheme whose learned scalars are held inside auto_weight_clamp.

    The bound acts on the parameter after the step (projection), not inside the
    graph: a parameter that reaches it can come back.
    """

    @torch.no_grad()
    def project(self) -> None:
        """Clamp every learned scalar in place."""
        for parameter in self.parameters():
            parameter.clamp_(self.low, self.high)
