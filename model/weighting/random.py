"""Random weights, drawn anew at every step.

Lin, Ye, Zhang, Tsang 2022, "Reasonable Effectiveness of Random Weighting: A
Litmus Test for Multi-Task Learning", TMLR, arXiv 2111.10603, with the standard
normal distribution: w = softmax(z). A scheme that does no better than this has
learned nothing of use.
"""

from __future__ import annotations

from torch import Tensor

from model.weighting.stepwise import StepwiseWeighting


class Random(StepwiseWeighting):
    """Softmax of normal draws. Replicas of a stream get the same draws."""

    def rule(self, losses: Tensor, draws: Tensor | None) -> Tensor:
        """[n, 4]; a batch without draws is an error."""
        if draws is None:
            raise ValueError("random weighting: expected draws [S, 4] in the batch, found none")
        return self.shares(draws.to(losses.dtype))
