"""Rows that take no time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchmarks.registry import Entry
from benchmarks.result import Ratio, Row


def good(repeats: int) -> Row:
    details = {"steps": np.int64(3), "lengths": np.array([1.0, math.nan]), "few": (1, math.inf)}
    ratio = Ratio(4.5, 4.0, 5.0, repeats)
    return Row("good", "ours", "theirs", must=4, ratio=ratio, details=details)


def absent(repeats: int) -> Row:
    return Row("absent", "ours", "theirs", skipped="no such device")


def bad(repeats: int) -> Row:
    raise RuntimeError("the process ended\nand said a lot")


def pair(repeats: int, names: Sequence[str]) -> list[Row]:
    """Rows of one measurement tell what was measured with them."""
    return [Row(name, ",".join(names), "theirs", ratio=Ratio(2, 1, 3, repeats)) for name in names]


ROWS = {
    "left": Entry("one of two", "tests.benchmarks.rows:pair", together=True),
    "right": Entry("the other", "tests.benchmarks.rows:pair", together=True),
    "bad": Entry("breaks", "tests.benchmarks.rows:bad"),
    "absent": Entry("cannot run here", "tests.benchmarks.rows:absent"),
    "good": Entry("runs", "tests.benchmarks.rows:good"),
}
