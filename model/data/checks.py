"""What can be wrong with the rows of a table, whatever file they came from.

Every check looks at all rows at once and returns its faults: an empty list if all
is well. Rows without an orientation are no fault.

Notation: M rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model.data.rows import EXAMPLES
from model.data.spelling import did_you_mean
from model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from model.data.description import LabelNames
    from model.data.rows import Coded, Rows

Place = TypeVar("Place")

UNIT_LENGTH_TOLERANCE = 0.05


def faults_of(rows: Rows, labels: LabelNames, pilot: Collection[str]) -> list[Fault]:
    """All faults of the rows, those met while reading first."""
    faults = list(rows.faults)
    if not rows.count:
        return faults or [Fault("no rows: expected at least one recorded sequence")]
    if rows.label is not None:
        faults += label_faults(rows.label, labels)
    if rows.subject is not None:
        faults += pilot_faults(rows.subject, pilot)
    for role, column in (
        ("subject", rows.subject),
        ("sequence", rows.sequence),
        ("label", rows.label),
    ):
        if column is not None:
            faults += empty_faults(role, column, rows)
    faults += acc_faults(rows) + rot_faults(rows)
    if rows.sequence is not None:
        faults += sequence_faults(rows, rows.sequence)
    return faults


def label_faults(label: Coded, labels: LabelNames) -> list[Fault]:
    """Labels that nobody listed, targets that never occur, nothing but targets."""
    listed = (*labels.targets, *(labels.others or ()))
    unlisted = [i for i, name in enumerate(label.names) if name not in listed]
    faults = _absent("target that occurs nowhere", labels.targets, label.names)
    if labels.others is not None:
        faults += _fault(
            "label listed neither as target nor as other",
            unlisted,
            lambda i: (
                f"{label.names[i]!r} in {label.counts[i]:,} rows"
                f"{did_you_mean(label.names[i], listed)}"
            ),
        )
    elif label.names and not unlisted:
        faults.append(Fault("every label is a target, expected at least one other"))
    return faults


def pilot_faults(subject: Coded, pilot: Collection[str]) -> list[Fault]:
    """Pilot subjects that are not there."""
    return _absent("pilot subject that occurs nowhere", pilot, subject.names)


def empty_faults(role: str, column: Coded, rows: Rows) -> list[Fault]:
    """Cells without a name."""
    empty = np.flatnonzero(column.codes < 0)
    return _fault(f"{role} is empty, expected a name in every row", empty, rows.place)


def acc_faults(rows: Rows) -> list[Fault]:
    """Acceleration that is no number, unless reading has named its row already."""
    if rows.acc is None:
        return []
    broken = ~np.isfinite(rows.acc).all(axis=1) & ~rows.unreadable
    return _fault("acc is not finite, expected m/s^2", np.flatnonzero(broken), rows.place)


def rot_faults(rows: Rows) -> list[Fault]:
    """Quaternions that are no rotation."""
    if rows.rot is None:
        return []
    norm = np.sqrt(np.einsum("mi,mi->m", rows.rot, rows.rot))
    return _fault(
        f"rot is far from unit length, expected 1 within {UNIT_LENGTH_TOLERANCE}",
        np.flatnonzero(np.abs(norm - 1) > UNIT_LENGTH_TOLERANCE),
        lambda row: f"{rows.place(row)}: {norm[row]:.3g}",
    )


def sequence_faults(rows: Rows, sequence: Coded) -> list[Fault]:
    """What must hold within a sequence."""
    faults = scattered_faults(rows, sequence)
    if rows.subject is not None:
        faults += change_faults("subject", rows.subject, rows, sequence)
    if rows.label is not None:
        faults += change_faults("label", rows.label, rows, sequence)
    if rows.counter is not None:
        faults += counter_faults(rows.counter, rows, sequence)
    if rows.acc is not None:
        faults += dead_acc_faults(rows.acc, rows, sequence)
    return faults


def scattered_faults(rows: Rows, sequence: Coded) -> list[Fault]:
    """Sequences that stop and go on later, or ids used again."""
    openings = rows.start[sequence.codes[rows.start] >= 0]
    again = np.setdiff1d(openings, _first_of_each(sequence, openings))
    return _fault(
        "sequence in pieces, expected its rows together and its id used once",
        _first_of_each(sequence, again),
        lambda row: f"{rows.place(row)} goes on",
    )


def change_faults(role: str, column: Coded, rows: Rows, sequence: Coded) -> list[Fault]:
    """Sequences of more than one subject, or of more than one label."""
    named = np.flatnonzero((sequence.codes >= 0) & (column.codes >= 0))
    first = _first_of_each(sequence, named)
    expected = np.zeros(len(sequence.names), np.int32)
    expected[sequence.codes[first]] = column.codes[first]
    changed = named[column.codes[named] != expected[sequence.codes[named]]]
    return _fault(
        f"{role} changes within a sequence",
        _first_of_each(sequence, changed),
        lambda row: (
            f"{rows.place(row)}: {column.names[column.codes[row]]!r} after "
            f"{column.names[expected[sequence.codes[row]]]!r}"
        ),
    )


def counter_faults(counter: NDArray[np.float64], rows: Rows, sequence: Coded) -> list[Fault]:
    """Counters that do not go up from row to row."""
    empty = np.flatnonzero(~np.isfinite(counter) & ~rows.unreadable)
    within = (sequence.codes[1:] == sequence.codes[:-1]) & (sequence.codes[1:] >= 0)
    step = np.diff(counter)
    return [
        *_fault("counter is empty, expected a number in every row", empty, rows.place),
        *_fault(
            "counter repeats within a sequence, expected it to go up",
            np.flatnonzero(within & (step == 0)) + 1,
            rows.place,
        ),
        *_fault(
            "counter goes back within a sequence, expected it to go up",
            np.flatnonzero(within & (step < 0)) + 1,
            rows.place,
        ),
    ]


def dead_acc_faults(acc: NDArray[np.float32], rows: Rows, sequence: Coded) -> list[Fault]:
    """Sequences whose accelerometer recorded nothing but zeros."""
    alive = np.logical_or.reduceat((acc != 0).any(axis=1), rows.start)
    dead = rows.start[~alive & (sequence.codes[rows.start] >= 0)]
    return _fault("acc is zero throughout a sequence", dead, rows.place)


def _first_of_each(sequence: Coded, where: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of some rows in ascending order, the first of each sequence."""
    first = np.unique(sequence.codes[where], return_index=True)[1]
    return where[np.sort(first)]


def _absent(what: str, names: Collection[str], found: Collection[str]) -> list[Fault]:
    absent = [name for name in names if name not in found]
    return _fault(what, absent, lambda name: f"{name!r}{did_you_mean(name, found)}")


def _fault(
    what: str, where: Sequence[Place] | NDArray[np.int64], describe: Callable[[Place], str]
) -> list[Fault]:
    """One fault with its first examples, or none where there is nowhere."""
    if not len(where):
        return []
    return [Fault(what, len(where), tuple(describe(place) for place in where[:EXAMPLES]))]
