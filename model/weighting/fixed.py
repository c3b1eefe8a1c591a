"""The fixed formula: alpha L18 + (1 - alpha) Lbin + w9 L9 + wkl KL."""

from __future__ import annotations

from torch import Tensor

from model.weighting.base import Weighting


class Fixed(Weighting):
    """Weights stay where the configuration puts them; nothing is learned."""

    def weights(self) -> Tensor:
        """[n, 4] the configured weights."""
        return self.fixed

    def report(self) -> dict[str, Tensor]:
        """Weights, and alpha as configured."""
        return super().report() | {"alpha": self.fixed[:, 0].clone()}
