"""The two forms recordings take on their way to the network.

Notation: M rows of all sequences, N sequences, C channels.

`Recording` is what a reader hands over: checked rows in canonical columns.
`SequenceSet` is what training reads: features, memory-mapped from the cache.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from model.hierarchy import Hierarchy

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """Rows of a data set in canonical columns, sequence after sequence."""

    acc: NDArray[np.float32]
    """[M, 3] acceleration with gravity, m/s^2."""
    rot: NDArray[np.float32] | None
    """[M, 4] unit quaternion sensor -> world, scalar first; NaN where not recorded."""
    extra: NDArray[np.float32]
    """[M, E] further sensor columns as they are; NaN where not recorded."""
    extra_names: tuple[str, ...]
    start: NDArray[np.int64]
    """[N] first row of each sequence."""
    length: NDArray[np.int64]
    """[N] rows of each sequence."""
    label: NDArray[np.int64]
    """[N] fine id, a position in hierarchy.fine."""
    subject: NDArray[np.int64]
    """[N] position in subject_names."""
    sequence_id: NDArray[np.str_]
    """[N] the sequences' ids as the source writes them."""
    subject_names: tuple[str, ...]
    hierarchy: Hierarchy
    rate_hz: float
    pilot_subjects: tuple[str, ...] = ()
    """Subjects on whom recipes are tuned; a study leaves them out."""


@dataclass(frozen=True)
class SequenceSet:
    """Features of N sequences, ready to train on. Cheap to subset: rows are shared."""

    features: NDArray[np.float32]
    """[M, C], finite everywhere; 0 where `present` is False."""
    present: NDArray[np.bool_] | None
    """[M, C] whether the value was recorded; None when all were."""
    channels: tuple[str, ...]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    label: NDArray[np.int64]
    subject: NDArray[np.int64]
    sequence_id: NDArray[np.str_]
    subject_names: tuple[str, ...]
    hierarchy: Hierarchy
    pilot_subjects: tuple[str, ...]
    digest: str
    """Hash of the source's content, the reader's settings and the feature code's version."""

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> SequenceSet:
        """Keep the chosen sequences ([n] positions, or [N] bool), rows untouched."""
        return replace(
            self,
            start=self.start[chosen],
            length=self.length[chosen],
            label=self.label[chosen],
            subject=self.subject[chosen],
            sequence_id=self.sequence_id[chosen],
        )

    def of_subjects(self, names: Collection[str]) -> SequenceSet:
        """Keep the sequences of the named subjects."""
        wanted = np.array([name in names for name in self.subject_names], dtype=bool)
        return self.take(wanted[self.subject])

    def without_pilots(self) -> SequenceSet:
        """What a study may use: everything but the pilot subjects."""
        return self.of_subjects(set(self.subject_names) - set(self.pilot_subjects))
