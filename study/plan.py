"""The ordered cells of a study.

The order depends on the configuration alone. A study of N trials runs the
first N cells, so what it has run stays right when N grows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from study.arms import BASELINE_ARM, ArmName, Params, declared_params, grid_params

if TYPE_CHECKING:
    from study.config import StudyConfig


@dataclass(frozen=True)
class Cell:
    """One configuration to train. Equal cells train alike."""

    arm: ArmName
    params: Params = field(default_factory=dict)
    repeat: int = 0
    """Fixes the fold split and every seed, for all arms alike; the search is repeat 0."""

    @cached_property
    def hash(self) -> str:
        """Identity of the cell: 16 hex digits, whatever the order or type of its numbers."""
        params = {
            name: value if isinstance(value, str) else float(value) + 0.0  # -0.0 becomes 0.0
            for name, value in self.params.items()
        }
        text = json.dumps([self.arm, params, self.repeat], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return hash(self.hash)

    def __str__(self) -> str:
        values = " ".join(
            f"{name}={value if isinstance(value, str) else format(value, 'g')}"
            for name, value in self.params.items()
        )
        repeat = f"repeat={self.repeat}" if self.repeat else ""
        return " ".join(filter(None, (self.arm, values, repeat)))


def plan(config: StudyConfig) -> tuple[Cell, ...]:
    """All cells of a study, in the order in which they run, none twice.

    The baseline comes first, then the declared cell of each other arm, then the
    arms in turn, each grid in an order of its own that depends on the seed and
    the arm's name; an arm that has no cell left is passed over.
    """
    declared = [Cell(arm, declared_params(arm, config.loss)) for arm in _baseline_first(config)]
    queues = [_shuffled_grid(config, arm) for arm in config.arms]
    return tuple(chain(declared, _in_turn(queues, set(declared))))


def _baseline_first(config: StudyConfig) -> list[ArmName]:
    return sorted(config.arms, key=lambda arm: arm != BASELINE_ARM)


def _shuffled_grid(config: StudyConfig, arm: ArmName) -> list[Cell]:
    """The arm's grid in an order that no other arm, value or Python version has a say in."""
    cells = (Cell(arm, params) for params in grid_params(arm, config.grid[arm], config.loss))

    def place(cell: Cell) -> str:
        return hashlib.sha256(f"{config.seed}:{cell.hash}".encode()).hexdigest()

    return sorted(cells, key=place)


def _in_turn(queues: Iterable[list[Cell]], done: set[Cell]) -> Iterator[Cell]:
    """One cell of each queue after the other, those done left out."""
    left = ([cell for cell in queue if cell not in done] for queue in queues)
    return (cell for turn in zip_longest(*left) for cell in turn if cell is not None)
