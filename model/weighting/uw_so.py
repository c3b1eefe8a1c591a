"""Soft optimal uncertainty weighting: the least loss weighs most.

Kirchdorfer, Elich, Kutsche, Stuckenschmidt, Schott, Koehler 2024, "Analytical
Uncertainty-Based Loss Weighting in Multi-Task Learning", GCPR, arXiv 2408.07985.
Uncertainty weighting with its scalars at their optimum weighs a term by 1 / L;
here a softmax with temperature T evens that out:

    w_i = exp(1 / sg(L_i) / T) / sum over terms exp(1 / sg(L_j) / T)

where sg stops the gradient and L_i is the loss of the step.
"""

from __future__ import annotations

from torch import Tensor

from model.weighting.stepwise import LEAST_LOSS, StepwiseWeighting


class SoftOptimalUncertainty(StepwiseWeighting):
    """Softmax of inverse losses."""

    def rule(self, losses: Tensor, draws: Tensor | None) -> Tensor:
        """[n, 4]"""
        del draws
        return self.shares(1 / losses.clamp_min(LEAST_LOSS) / self.temperature)
