"""How far results are apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.fit import FitContext, fit
from model.outcomes import EpochReport, TrialSpec

History = Sequence[Mapping[str, NDArray[np.float64]]]
"""[folds] of every metric, epoch by epoch."""


def histories(
    context: FitContext, trials: Sequence[TrialSpec], dropped: str | None = None
) -> dict[str, History]:
    """Train a stack, one trial of which is dropped after the first epoch."""
    found: dict[str, list[Mapping[str, NDArray[np.float64]]]] = {t.key: [] for t in trials}

    def on_epoch(reports: Sequence[EpochReport]) -> Collection[str]:
        for report in reports:
            found[report.key].append(dict(report.metrics))
        return () if dropped is None else (dropped,)

    fit(context, trials, on_epoch)
    return dict(found)


def history_apart(one: History, other: History) -> float:
    """Largest difference of any metric; infinite if they are not of one kind."""
    if len(one) != len(other) or any(a.keys() != b.keys() for a, b in zip(one, other, strict=True)):
        return torch.inf
    pairs = [(a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a]
    return max(apart(torch.from_numpy(a), torch.from_numpy(b)) for a, b in pairs)


def apart(one: Tensor, other: Tensor) -> float:
    """Largest absolute difference; infinite where only one is a number, or shapes differ."""
    if one.shape != other.shape:
        return torch.inf
    difference = (one.detach() - other.detach()).abs()
    difference = difference.masked_fill(one.isnan() & other.isnan(), 0)
    return float(difference.nan_to_num(nan=torch.inf).max())
