"""Out-of-fold predictions as counts per subject, which scores and bootstraps are made from.

Notation: S subjects, M coarse classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from study.verdict.score import Classes, subject_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storage.queries import OofRow
    from storage.rows import Truth


class Counting:
    """Counts of a study's trials on one data set."""

    def __init__(self, truth: Truth, rows: Sequence[OofRow]) -> None:
        """Take in the true labels and all predictions."""
        names = sorted(set(truth.subjects))
        subject_id = {name: i for i, name in enumerate(names)}
        coarse = {name: i for i, name in enumerate(truth.coarse)}
        self.subjects = len(names)
        self.other = coarse[truth.other]
        fine_to_coarse = np.array([coarse.get(name, self.other) for name in truth.fine])
        self._classes = Classes(fine_to_coarse, self.other)
        self._label = np.frombuffer(truth.labels, np.uint8)
        self._subject = np.array([subject_id[name] for name in truth.subjects])
        self._place = {name: i for i, name in enumerate(truth.sequence_ids)}
        self._rows: dict[int, list[OofRow]] = defaultdict(list)
        for row in rows:
            self._rows[row.trial_id].append(row)
        self._places: dict[bytes, NDArray[np.int64] | None] = {}

    def of(self, trial_id: int | None) -> NDArray[np.int64] | None:
        """Counts of a trial, [S, M, M]; None unless it has one prediction for every sequence."""
        rows = self._rows.get(trial_id or -1, [])
        found = [self._places_of(row) for row in rows]
        places = [place for place in found if place is not None]
        if not places or len(places) < len(rows):
            return None
        place = np.concatenate(places)
        predicted = np.concatenate([np.frombuffer(row.predicted, np.uint8) for row in rows])
        covered = np.array_equal(np.sort(place), np.arange(len(self._label)))
        if not covered or len(predicted) != len(place):
            return None
        return subject_counts(self._label[place], predicted, self._subject[place], self._classes)

    def _places_of(self, row: OofRow) -> NDArray[np.int64] | None:
        """Places of a fold's sequences; None if one is unknown."""
        if row.packed_ids not in self._places:
            places = [self._place.get(name, -1) for name in row.sequence_ids]
            known = places and min(places) >= 0
            self._places[row.packed_ids] = np.array(places) if known else None
        return self._places[row.packed_ids]
