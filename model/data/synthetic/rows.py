"""CSV text of one sequence, built from tables of ready-made cells.

Formatting 196 million numbers one by one takes minutes. Each channel takes few
values, so the text of every one is made once and then looked up.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from model.data.synthetic.sensors import (
    ACC_QUANTUM,
    ACC_RANGE,
    MISSING,
    ROT_QUANTUM,
    THM_QUANTUM,
    THM_RANGE,
    TOF_RANGE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from model.data.synthetic.sensors import Quanta, Readings

    Text = NDArray[np.bytes_]

SENSORS = (
    *("acc_x", "acc_y", "acc_z", "rot_w", "rot_x", "rot_y", "rot_z"),
    *(f"thm_{sensor}" for sensor in range(1, 6)),
    *(f"tof_{sensor}_v{pixel}" for sensor in range(1, 6) for pixel in range(64)),
)


def csv_rows(texts: Iterable[Iterable[str]], readings: Readings) -> bytes:
    """Lines of a sequence.

    Args:
        texts: cells of the columns before the sensors', row after row.
        readings: what the sensors wrote in these rows.
    """
    leading = np.array([",".join(row).encode() for row in texts])[:, None]
    blocks = (
        leading,
        _look_up(readings.acc, ACC_QUANTUM, ACC_RANGE),
        _look_up(readings.rot, ROT_QUANTUM, (-1, 1)),
        _look_up(readings.thm, THM_QUANTUM, THM_RANGE),
        _look_up(readings.tof, 1, TOF_RANGE),
        np.full(leading.shape, b"\n"),
    )
    characters = np.hstack([np.ascontiguousarray(block).view(np.uint8) for block in blocks])
    return characters.tobytes().translate(None, b"\0")


def _look_up(quanta: Quanta, quantum: float, span: tuple[int, int]) -> Text:
    """Cells, each with its comma before it."""
    cells, lowest = _cells(quantum, span)
    return cells[np.where(quanta == MISSING, -1, quanta - lowest)]


@cache
def _cells(quantum: float, span: tuple[int, int]) -> tuple[Text, int]:
    """Text of every value in a span, lowest first, at the end that of a missing one."""
    lowest, highest = (round(end / quantum) for end in span)
    decimals = 14 if quantum < 1 else 1
    values = (f"{round(k * quantum, 14):.{decimals}f}" for k in range(lowest, highest + 1))
    return np.array([f",{_short(value)}".encode() for value in values] + [b","]), lowest


def _short(value: str) -> str:
    """A decimal number without closing zeros, but for one behind the point."""
    trimmed = value.rstrip("0")
    return trimmed + "0" if trimmed.endswith(".") else trimmed
