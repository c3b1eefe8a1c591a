"""Records one trial: from who does what to the lines of a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.data.synthetic.motion import draw_timeline, simulate
from model.data.synthetic.protocol import PERFORMS
from model.data.synthetic.rows import SENSORS, csv_rows
from model.data.synthetic.sensors import measure

if TYPE_CHECKING:
    from model.data.synthetic.motion import Timeline
    from model.data.synthetic.people import Person
    from model.data.synthetic.protocol import Trial
    from model.data.synthetic.sensors import Readings

COLUMNS = (
    "row_id",
    "sequence_type",
    "sequence_id",
    "sequence_counter",
    "subject",
    "orientation",
    "behavior",
    "phase",
    "gesture",
    *SENSORS,
)
TEST_COLUMNS = ("row_id", "sequence_id", "sequence_counter", "subject", *SENSORS)

WITHOUT_GESTURE = 11975
"""Number of the one sequence that ends before its gesture."""
_ID_GAP = 8
"""One in so many numbers is in use."""


@dataclass(frozen=True)
class Take:
    """One trial to be recorded."""

    number: int
    """Of the sequence's id."""
    trial: Trial
    person: Person
    source: np.random.SeedSequence
    """Its own randomness: what is recorded depends on no other take."""

    @property
    def sequence_id(self) -> str:
        """As the file writes it."""
        return f"SEQ_{self.number:06d}"


def sequence_numbers(rng: np.random.Generator, count: int) -> list[int]:
    """Draw rising numbers for sequences, the first 7, one of them WITHOUT_GESTURE."""
    numbers = _ID_GAP * np.arange(count) + rng.integers(_ID_GAP, size=count)
    numbers[0] = 7
    numbers[min(WITHOUT_GESTURE // _ID_GAP, count - 1)] = WITHOUT_GESTURE
    return [int(number) for number in numbers]


def train_lines(take: Take) -> bytes:
    """Lines of a sequence under COLUMNS."""
    time, readings = _record(take)
    gesture = take.trial.gesture
    kind = "Target" if gesture.target else "Non-Target"
    texts = (
        (
            f"{take.sequence_id}_{row:06d}",
            kind,
            take.sequence_id,
            str(row),
            take.person.subject,
            take.trial.orientation,
            behavior,
            "Gesture" if behavior == PERFORMS else "Transition",
            gesture.name,
        )
        for row, behavior in enumerate(time.behaviors(take.trial.start))
    )
    return csv_rows(texts, readings)


def held_out_lines(take: Take, *, imu_only: bool) -> bytes:
    """Lines of a sequence under TEST_COLUMNS."""
    time, readings = _record(take)
    texts = (
        (f"{take.sequence_id}_{row:06d}", take.sequence_id, str(row), take.person.subject)
        for row in range(time.rows)
    )
    return csv_rows(texts, readings.imu_only() if imu_only else readings)


def _record(take: Take) -> tuple[Timeline, Readings]:
    rng = np.random.default_rng(take.source)
    time = draw_timeline(rng, without_gesture=take.number == WITHOUT_GESTURE)
    motion = simulate(rng, take.trial, take.person, time)
    return time, measure(rng, motion, take.trial.gesture.place, take.person)
