"""What a measurement comes to: one row of the table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """How many times less ours takes than the baseline: over interleaved repeats."""

    median: float
    low: float
    """Smallest of the repeats."""
    high: float
    repeats: int


@dataclass(frozen=True)
class Row:
    """One comparison, made or skipped."""

    name: str
    what: str
    """What is measured of ours, in a few words."""
    baseline: str
    """What it is measured against."""
    must: float | None = None
    """The ratio that is promised."""
    ratio: Ratio | None = None
    skipped: str | None = None
    """Why there is no ratio."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Seconds, CPU time, batch lengths and whatever else belongs to the row; JSON types."""

    def as_json(self, machine: Mapping[str, Any]) -> dict[str, Any]:
        """The row as others read it; what does not exist is null."""
        table = asdict(self) | {"machine": dict(machine)}
        del table["ratio"]
        found = self.ratio
        numbers = {
            "ratio": found and found.median,
            "low": found and found.low,
            "high": found and found.high,
            "repeats": found and found.repeats,
        }
        return {name: _as_json(value) for name, value in (table | numbers).items()}


def _as_json(value: Any) -> Any:  # noqa: ANN401  # whatever a row holds
    """The same as JSON has it: numbers of numpy as Python's, null for those not finite."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if hasattr(value, "tolist"):
        return _as_json(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
