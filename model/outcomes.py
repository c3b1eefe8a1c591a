"""What `model.fit` takes and gives, importable without torch.

Notation: K folds of a trial. Arrays are indexed by fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model.config import LossConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TrialSpec:
    """One trial of a stack: its losses, and the repeat that fixes folds and seeds.

    Repeats that differ by a multiple of `model.data.folds.SPLITS` share their folds.
    """

    key: str
    """The caller's name for the trial; comes back in every report."""
    loss: LossConfig
    repeat: int = 0


@dataclass(frozen=True)
class EpochReport:
    """What one trial did in one epoch."""

    key: str
    epoch: int
    """Counted from 0."""
    metrics: Mapping[str, NDArray[np.float64]]
    """[K] each: score, binary_f1, macro_f1; train_ and val_ with multiclass, binary,
    nine_class, kl and total; weight_<term>; s_<term>, alpha and others where the scheme
    has them; after the last epoch gradient_share_<term>. Terms not in use are absent."""


@dataclass(frozen=True)
class FoldResult:
    """One fold after its last epoch."""

    score: float
    binary_f1: float
    macro_f1: float
    best_epoch: int
    best_score: float
    """Best of all epochs on the test fold itself: optimistic, shown as such."""
    sequence_ids: tuple[str, ...]
    """Test sequences of the fold."""
    predicted: NDArray[np.uint8]
    """Fine id predicted for each of them."""


@dataclass(frozen=True)
class TrialResult:
    """A trial that ran to its last epoch."""

    key: str
    folds: tuple[FoldResult, ...]
    seconds: float
    """Device-seconds: wall time of the stack shared out evenly over its live trials."""


@dataclass(frozen=True)
class TrialFailure:
    """A trial whose loss or gradient stopped being finite."""

    key: str
    cause: Literal["non_finite_loss"]
    epoch: int
    fold: int
    term: str
    """Loss term that was not finite first, or "gradient"."""
    seconds: float


@dataclass(frozen=True)
class TrialDropped:
    """A trial the caller took out of the stack after an epoch."""

    key: str
    epoch: int
    seconds: float


Outcome = TrialResult | TrialFailure | TrialDropped
