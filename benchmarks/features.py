"""Row `features`: channels over all rows at once, against groupby.apply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.plain import features as plain
from benchmarks.result import Row
from benchmarks.timing import REPEATS, interleaved, ratio_of, summary
from model.data.features import features
from model.data.load import BUNDLED
from model.data.sequences import Recording
from model.data.table import read_table

SEQUENCES = 8240
"""Of wisdm51: all of them."""
TOLERANCE = 1e-3
"""Largest difference between the two, in the units of each channel."""


def measure(repeats: int = REPEATS, sequences: int = SEQUENCES) -> Row:
    """Time both on the first `sequences` of wisdm51, read beforehand.

    Raises:
        AssertionError: they do not compute the same.
    """
    recording = first(read_table(BUNDLED), sequences)
    rows = plain.table(recording)
    rate = recording.rate_hz
    difference = largest_difference(recording)
    timings = interleaved(
        {
            "stack": lambda: features(recording, "gravity"),
            "groupby": lambda: plain.features(rows, rate),
        },
        repeats,
    )
    return Row(
        name="features",
        what="feature set gravity over all rows at once",
        baseline="pandas groupby.apply with scipy rotations, sequence by sequence",
        must=80,
        ratio=ratio_of(timings, "stack", "groupby"),
        details={
            "data": "wisdm51",
            "sequences": len(recording.start),
            "rows": len(recording.acc),
            "largest_difference": difference,
            "taken": summary(timings),
        },
    )


def largest_difference(recording: Recording) -> float:
    """How far the two are apart anywhere.

    Raises:
        AssertionError: farther than TOLERANCE.
    """
    values, _, channels = features(recording, "gravity")
    expected = plain.features(plain.table(recording), recording.rate_hz)
    assert tuple(expected.columns) == channels, tuple(expected.columns)
    difference = float(np.abs(values - expected.to_numpy()).max())
    assert difference <= TOLERANCE, f"features: expected equal values, found {difference} apart"
    return difference


def first(recording: Recording, sequences: int) -> Recording:
    """The first so many sequences."""
    start, length = recording.start[:sequences], recording.length[:sequences]
    end = int(start[-1] + length[-1])
    assert recording.rot is not None
    return replace(
        recording,
        acc=recording.acc[:end],
        rot=recording.rot[:end],
        extra=recording.extra[:end],
        start=start,
        length=length,
        label=recording.label[:sequences],
        subject=recording.subject[:sequences],
        sequence_id=recording.sequence_id[:sequences],
    )
