"""Row `cache`: a second start, from the cache, against reading and computing anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.result import Row
from benchmarks.timing import REPEATS, interleaved, ratio_of, summary, timed
from model.data.features import features
from model.data.load import BUNDLED, Source, load_sequences

CALLS = 10
"""Of each in a round: one opening of the cache is too short to time."""


def measure(repeats: int = REPEATS, data: Path = BUNDLED) -> Row:
    """Time both in one process, files of data and cache in the page cache.

    The baseline keeps nothing. A first start, which also writes the cache, is
    timed beside it; so is reading the rows, which opening the cache puts off.
    """
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch, "kept")
        sequences = load_sequences(data, "gravity", kept)
        timings = interleaved(
            {
                "cached": lambda: [load_sequences(data, "gravity", kept) for _ in range(CALLS)],
                "anew": lambda: [features(Source(data).read(), "gravity") for _ in range(CALLS)],
                "first_start": lambda: [
                    load_sequences(data, "gravity", Path(tempfile.mkdtemp(dir=scratch)))
                    for _ in range(CALLS)
                ],
            },
            repeats,
            warmups=1,
        )
        opened = load_sequences(data, "gravity", kept)
        reading = timed(lambda: np.array(opened.features))
    return Row(
        name="cache",
        what="opening features from the cache, memory-mapped",
        baseline="reading the table and computing the features, without a cache",
        must=50,
        ratio=ratio_of(timings, "cached", "anew"),
        details={
            "data": data.stem,
            "calls": CALLS,
            "mebibytes": sequences.features.nbytes / 2**20,
            "taken": summary(timings),
            "then_reading_all_rows_s": reading.wall,
        },
    )
