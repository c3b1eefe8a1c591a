"""States of an attempt at a cell, and causes of those that came to nothing."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["running", "complete", "pruned", "failed", "retry", "released"]
Cause = Literal[
    "exception",
    "non_finite_loss",
    "crashed",
    "host_memory",
    "device_memory",
    "stalled",
    "deadline",
    "lost_lease",
    "interrupted",
]
STATES: tuple[State, ...] = get_args(State)
FINISHED: tuple[State, ...] = ("complete", "pruned", "failed")
HELD: tuple[State, ...] = ("running", *FINISHED)
"""States of which a cell has at most one row; the others leave it free."""
