"""What a coordinator goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from model.outcomes import TrialSpec
    from study.pruning import Pruner
    from study.trial import Trial
    from study.watchdog import Limits
    from study.worker.messages import Ready


@dataclass(frozen=True)
class CellsLeft:
    """How much there is to train."""

    unclaimed: int
    """Cells that no worker of this process has got yet."""
    of_stage: int
    """Cells that were to be trained when the stage began."""


class Sizes(Protocol):
    """How many trials are trained at once."""

    def stack(self, ready: Ready) -> int:
        """Most that a worker may get, from what it says of itself."""
        ...

    def job(self, stack: int, left: CellsLeft) -> int:
        """Those of the next job of a worker that may get `stack`, with so much to go."""
        ...


@dataclass(frozen=True)
class Rules:
    """How trials are trained, and what time is given."""

    spec: Callable[[Trial], TrialSpec]
    """What a worker is told of a trial."""
    sizes: Sizes
    """How many trials a worker trains at once."""
    pruner: Pruner
    """Which trials go no further."""
    limits: Limits
    """What time workers have."""
    outage_limit: float
    """Seconds to go on without the database."""
