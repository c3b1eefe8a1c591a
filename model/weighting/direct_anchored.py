"""Direct weights that keep their sum and pay for leaving the fixed ones.

Terms multiclass, binary, nine_class with fixed weights w0, S = sum w0,
pi = w0 / S, theta starting at log pi, p = softmax(theta), w = S p, and

    J = sum sg(w_i) L_i + wkl KL
        + sum p_i sg(L_i / log C_i) + rho sum pi_i log(pi_i / p_i)

where sg stops the gradient and C_i counts the classes of term i. The network
sees the first line alone, so step 0 equals the fixed formula; theta sees the
second. With r_i = L_i / log C_i and rbar = sum p_i r_i its optimum is
p_i = rho pi_i / (rho + r_i - rbar): a harder term loses weight, never all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import LossConfig
from model.weighting.base import Weighting

ANCHORED = 3
"""multiclass, binary and nine_class come first in TERMS; kl keeps its fixed weight."""


class DirectAnchored(Weighting):
    """A learned point theta on the simplex, [n, 3]; terms of weight 0 have no place on it."""

    log_classes: Tensor
    """[n, 3]"""
    rho: Tensor
    """[n]"""

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        super().__init__(configs, class_counts)
        log_classes = torch.tensor([math.log(c) for c in class_counts], dtype=torch.float64)
        self.register_buffer("log_classes", log_classes.expand(len(configs), -1).clone())
        self.register_buffer("rho", torch.tensor([c.rho for c in configs], dtype=torch.float64))
        log_pi = self.pi().log().masked_fill(~self.anchored, 0.0)
        self.theta = self.scalars(log_pi.tolist())

    @property
    def anchored(self) -> Tensor:
        """[n, 3] bool, terms on the simplex."""
        return self.active[:, :ANCHORED]

    def pi(self) -> Tensor:
        """[n, 3] fixed weights as shares of their sum."""
        weights = self.fixed[:, :ANCHORED]
        return weights / weights.sum(1, keepdim=True)

    def log_p(self) -> Tensor:
        """[n, 3] log of the learned shares, 0 for terms not on the simplex."""
        theta = self.theta.masked_fill(~self.anchored, -torch.inf)
        return theta.log_softmax(1).masked_fill(~self.anchored, 0.0)

    def p(self) -> Tensor:
        """[n, 3] learned shares."""
        return self.log_p().exp() * self.anchored

    def weights(self) -> Tensor:
        """[n, 4]: S p, and the fixed weight of kl."""
        total = self.fixed[:, :ANCHORED].sum(1, keepdim=True)
        return torch.cat((total * self.p(), self.fixed[:, ANCHORED:]), dim=1)

    def total(self, losses: Tensor) -> Tensor:
        """[n]: J."""
        network = (self.weights().detach() * losses).sum(1)
        difficulty = losses[:, :ANCHORED].detach() / self.log_classes
        log_p, pi = self.log_p(), self.pi()
        log_pi = pi.log().masked_fill(~self.anchored, 0.0)
        anchor = self.rho * (pi * (log_pi - log_p)).sum(1)
        return network + (self.p() * difficulty).sum(1) + anchor
