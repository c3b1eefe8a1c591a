"""A trial as the process that holds it sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.rows import CellRef, Claim, EpochRow


@dataclass(eq=False)
class Trial:
    """A cell that this process holds."""

    claim: Claim
    trial_id: int = -1
    """Optuna's, once it is started; so is `number`."""
    number: int = -1
    epoch: int = -1
    """Last one reported, counted from 0."""
    value: float = float("nan")
    """Mean over folds of the score in that epoch."""
    unwritten: list[EpochRow] = field(default_factory=list)
    """History that is not in our table yet."""
    unshown: dict[int, float] = field(default_factory=dict)
    """Values by epoch that are not in Optuna's yet."""
    lost: bool = False
    """Whether the claim no longer stands."""
    ended: bool = False
    """Whether somebody has ended it in Optuna."""

    @property
    def run_id(self) -> int:
        """Of the claim."""
        return self.claim.run_id

    @property
    def key(self) -> str:
        """Its name in jobs."""
        return str(self.claim.run_id)

    @property
    def cell(self) -> CellRef:
        """What is trained."""
        return self.claim.cell

    @property
    def is_started(self) -> bool:
        """Whether it has an Optuna trial."""
        return self.trial_id >= 0


@dataclass(frozen=True)
class Place:
    """Where a trial is trained."""

    worker: str
    device: str
