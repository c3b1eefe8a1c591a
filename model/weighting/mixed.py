"""One stack, several schemes: each weighs the rows that are its own.

Notation: R replicas of the stack, n of them with one scheme, 4 terms.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.config import LossConfig
from model.weighting.base import Weighting
from model.weighting.registry import scheme


class Part(nn.Module):
    """The rows of a stack that share a scheme."""

    rows: Tensor
    """[n] positions in the stack."""

    def __init__(self, rows: list[int], weighting: Weighting) -> None:
        super().__init__()
        self.register_buffer("rows", torch.tensor(rows))
        self.weighting = weighting

    def keep(self, kept: Tensor) -> dict[nn.Parameter, Tensor]:
        """Keep those of the stack's positions `kept` [m] that are here, renumbered.

        Returns:
            For each learned parameter, which of its rows stay.
        """
        stays = (self.rows.unsqueeze(1) == kept.unsqueeze(0)).nonzero()
        self.rows = stays[:, 1]
        self.weighting.keep(stays[:, 0])
        return dict.fromkeys(self.weighting.parameters(), stays[:, 0])


class MixedWeighting(nn.Module):
    """Hands each scheme its rows and gathers what comes back."""

    parts: Sequence[Part]

    def __init__(self, configs: Sequence[LossConfig], class_counts: Sequence[int]) -> None:
        """`configs` has one entry a row of the stack; `class_counts` as in `Weighting`."""
        super().__init__()
        self.replicas = len(configs)
        names = [config.auto_weighting for config in configs]
        parts = []
        for name in dict.fromkeys(names):
            rows = [i for i, other in enumerate(names) if other == name]
            parts.append(Part(rows, scheme(name)([configs[i] for i in rows], class_counts)))
        self.parts = nn.ModuleList(parts)  # type: ignore[assignment]  # a typed view of it

    def forward(self, losses: Tensor) -> Tensor:
        """Total loss of each replica, [R, 4] -> [R]."""
        if len(self.parts) == 1:
            total: Tensor = self.parts[0].weighting(losses)
            return total
        totals = losses.new_zeros(self.replicas)
        for part in self.parts:
            totals = totals.index_copy(0, part.rows, part.weighting(losses[part.rows]))
        return totals

    def step(self, losses: Tensor, draws: Tensor | None, stream: Tensor) -> None:
        """Set the weights of a training step, for the schemes that do so.

        Args:
            losses: [R, 4] of the step.
            draws: [S, 4] standard normal of each stream; None if the batch has none.
            stream: [R] each replica's position among the streams.
        """
        for part in self.parts:
            if part.weighting.stepwise:
                drawn = None if draws is None else draws[stream[part.rows]]
                part.weighting.step(losses[part.rows], drawn)

    def end_epoch(self) -> None:
        """Close an epoch of training steps."""
        for part in self.parts:
            part.weighting.end_epoch()

    def weights(self) -> Tensor:
        """[R, 4] weight of each term now, 0 for terms not in use."""
        table = self.parts[0].weighting.fixed.new_zeros(self.replicas, 4)
        for part in self.parts:
            table[part.rows] = part.weighting.weights().detach().to(table.dtype)
        return table

    def active(self) -> Tensor:
        """[R, 4] bool, terms each replica uses."""
        table = torch.zeros(self.replicas, 4, dtype=torch.bool, device=self.parts[0].rows.device)
        for part in self.parts:
            table[part.rows] = part.weighting.active
        return table

    def project(self) -> None:
        """Bring learned scalars back inside their bounds, after each optimizer step."""
        for part in self.parts:
            part.weighting.project()

    def report(self) -> dict[str, Tensor]:
        """[R] each, detached fp64; NaN where a replica's scheme has no such value."""
        merged: dict[str, Tensor] = {}
        for part in self.parts:
            for name, values in part.weighting.report().items():
                blank = values.new_full((self.replicas,), torch.nan, dtype=torch.float64)
                merged.setdefault(name, blank)[part.rows] = values.double()
        return merged

    def keep(self, kept: Tensor) -> dict[nn.Parameter, Tensor]:
        """Keep the rows at positions `kept` [m] of the stack, in that order.

        Returns:
            For each learned parameter, which of its rows stay.
        """
        rows: dict[nn.Parameter, Tensor] = {}
        for part in self.parts:
            rows |= part.keep(kept)
        left = [part for part in self.parts if len(part.rows)]
        self.parts = nn.ModuleList(left)  # type: ignore[assignment]  # a typed view of it
        self.replicas = len(kept)
        return rows
