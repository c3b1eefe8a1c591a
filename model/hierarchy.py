"""Fine, coarse and binary labels, tied together by class name.

Ids come from sorted names. Nothing may assume where the targets stand among
them: mapping by position is the bug this project exists to make impossible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Hierarchy:
    """Label names of a data set.

    A fine id is a position in `fine`, a coarse id one in `coarse`: the targets
    and, last by construction but never by assumption, all others as one class.
    """

    fine: tuple[str, ...]
    coarse: tuple[str, ...]
    other: str

    @classmethod
    def of(cls, targets: Iterable[str], others: Iterable[str]) -> Hierarchy:
        """Build from the names of target and other classes, in any order.

        Raises:
            ConfigError: a name listed twice, no target, or no other class.
        """
        targets, others = tuple(targets), tuple(others)
        names = targets + others
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"labels: expected every name once, found more often: {twice}")
        if not targets or not others:
            raise ConfigError(
                f"labels: expected at least one target and one other class, "
                f"found {len(targets)} targets and {len(others)} others"
            )
        other = "other"
        while other in targets:
            other += "_"
        return cls(tuple(sorted(names)), (*sorted(targets), other), other)

    @cached_property
    def fine_to_coarse(self) -> NDArray[np.int64]:
        """Coarse id of each fine id, [fine]."""
        position = {name: i for i, name in enumerate(self.coarse)}
        other = position[self.other]
        return np.array([position.get(name, other) for name in self.fine], dtype=np.int64)

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """Whether each fine id is a target class, [fine]."""
        return np.not_equal(self.fine_to_coarse, self.coarse.index(self.other))

    @cached_property
    def member(self) -> NDArray[np.float64]:
        """1 where a fine class belongs to a coarse one, else 0, [fine, coarse]."""
        return np.eye(len(self.coarse))[self.fine_to_coarse]
