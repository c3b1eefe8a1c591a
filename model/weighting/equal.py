"""Every term in use weighs 1: what any weighting has to beat."""

from __future__ import annotations

from torch import Tensor

from model.weighting.base import Weighting


class Equal(Weighting):
    """Sum of the terms in use."""

    def terms_in_use(self) -> Tensor:
        """multiclass and binary always, nine_class with its head, kl if kl_weight > 0."""
        return self.heads_in_use()

    def weights(self) -> Tensor:
        """[n, 4] of ones, 0 for terms not in use."""
        return self.active.to(self.fixed.dtype)
