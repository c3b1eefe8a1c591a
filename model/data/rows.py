"""A table's rows between reading and checking.

Notation: M rows of the table, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.errors import Fault

EXAMPLES = 3
"""Places named of each fault."""


@dataclass(frozen=True)
class Coded:
    """A column of names, as positions in the sorted list of those that occur."""

    codes: NDArray[np.int32]
    """[M]; -1 where the cell is empty."""
    names: tuple[str, ...]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each name, [names]."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


@dataclass(frozen=True)
class Rows:
    """What was read, unchecked. A part is None where one of its columns is missing."""

    count: int
    """M; 0 if nothing could be read."""
    subject: Coded | None
    sequence: Coded | None
    label: Coded | None
    counter: NDArray[np.float64] | None
    acc: NDArray[np.float32] | None
    """[M, 3]."""
    rot: NDArray[np.float32] | None
    """[M, 4]; a row is NaN as a whole or not at all. None also if the table has none."""
    extra: NDArray[np.float32] | None
    """[M, E]."""
    unreadable: NDArray[np.bool_]
    """[M] whether a cell that should hold a number holds text; it is NaN here."""
    faults: tuple[Fault, ...]
    """What was wrong with the file itself."""

    @cached_property
    def start(self) -> NDArray[np.int64]:
        """First row of each stretch of one sequence."""
        assert self.sequence is not None
        codes = self.sequence.codes
        return np.flatnonzero(np.diff(codes, prepend=np.int32(-2)))

    def place(self, row: int) -> str:
        """A row in words. Rows are counted from 0 over the whole table, as pandas does."""
        if self.sequence is None or self.sequence.codes[row] < 0:
            return f"row {row:,}"
        return f"sequence {self.sequence.names[self.sequence.codes[row]]}, row {row:,}"
