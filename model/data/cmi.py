"""Reads a folder of "CMI - Detect Behavior with Sensor Data" (Kaggle, 2025).

A folder holds train.csv and train_demographics.csv. Two groups of subjects moved
another device than the rest, and are put right:

- two wore it upside down, turned by 180 degrees about its z axis;
- left-handers moved as right-handers do in a mirror.

Quaternions are scalar first and turn the sensor's frame into the world's; rows
are [n, 3] and [n, 4].
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.data.checks import faults_of
from model.data.columns import read_columns
from model.data.description import ColumnNames, LabelNames, SensorNames, TableDescription
from model.data.quaternions import canonical
from model.data.rows import EXAMPLES
from model.data.table import assemble, read_rows
from model.errors import DataError, Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data.columns import Columns
    from model.data.rows import Coded
    from model.data.sequences import Recording

TRAIN = "train.csv"
DEMOGRAPHICS = "train_demographics.csv"

TARGETS = (
    "Above ear - pull hair",
    "Cheek - pinch skin",
    "Eyebrow - pull hair",
    "Eyelash - pull hair",
    "Forehead - pull hairline",
    "Forehead - scratch",
    "Neck - pinch skin",
    "Neck - scratch",
)
OTHERS = (
    "Drink from bottle/cup",
    "Feel around in tray and pull out an object",
    "Glasses on/off",
    "Pinch knee/leg skin",
    "Pull air toward your face",
    "Scratch knee/leg skin",
    "Text on phone",
    "Wave hello",
    "Write name in air",
    "Write name on leg",
)
UPSIDE_DOWN = ("SUBJ_019262", "SUBJ_045235")

_LEFT, _RIGHT = 0, 1


def read_cmi(folder: Path) -> Recording:
    """Read train.csv, corrected; pilot subjects are not named.

    Raises:
        DataError: no such folder or files, or faults in them, all of them.
    """
    _require_files(folder)
    table = describe(folder)
    rows = read_rows(table)
    people = read_columns(folder / DEMOGRAPHICS, {"subject": "text", "handedness": "float64"})
    faults = faults_of(rows, table.labels, pilot=())
    faults += [
        replace(fault, what=f"{DEMOGRAPHICS}: {fault.what}")
        for fault in _demographics_faults(people, rows.subject)
    ]
    if faults:
        raise DataError(str(folder), faults)
    return corrected(assemble(rows, table), _left_handers(people))


def describe(folder: Path) -> TableDescription:
    """The description of train.csv as that of any other table."""
    return TableDescription(
        path=folder / TRAIN,
        columns=ColumnNames(
            subject="subject",
            sequence="sequence_id",
            counter="sequence_counter",
            label="gesture",
        ),
        sensors=SensorNames(
            acc=("acc_x", "acc_y", "acc_z"), rot=("rot_w", "rot_x", "rot_y", "rot_z")
        ),
        rate_hz=10,
        labels=LabelNames(targets=TARGETS, others=OTHERS),
    )


def corrected(recording: Recording, left_handers: tuple[str, ...]) -> Recording:
    """Turn and mirror the rows of the subjects who need it."""
    acc, rot = recording.acc.copy(), recording.rot
    assert rot is not None
    rot = rot.copy()
    for subjects, correct in ((UPSIDE_DOWN, turned), (left_handers, mirrored)):
        concerned = np.isin(recording.subject_names, subjects)[recording.subject]
        rows = np.repeat(concerned, recording.length)
        acc[rows], rot[rows] = correct(acc[rows], rot[rows])
    return replace(recording, acc=acc, rot=rot)


def turned(
    acc: NDArray[np.float32], rot: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of a sensor turned by 180 degrees about its z axis.

    The sensor's axes are now -x, -y, z, so acc follows. The world must see the
    same: R' = R Z, with Z the turn, hence q' = q k, of its two signs the one with
    w >= 0.
    """
    w, x, y, z = rot.T
    return acc * np.array([-1, -1, 1], np.float32), canonical(np.stack((-z, y, -x, w))).T


def mirrored(
    acc: NDArray[np.float32], rot: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of the same movement seen in a mirror across the sensor's x axis.

    With X = diag(-1, 1, 1) the sensor reads X acc. The world is mirrored too, which
    leaves up where it is: R' = X R X, a rotation again, about the mirrored axis. An
    axis of rotation is a pseudovector: its x stays, its y and z change sign.
    """
    return acc * np.array([-1, 1, 1], np.float32), rot * np.array([1, 1, -1, -1], np.float32)


def _require_files(folder: Path) -> None:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing of that name"
        raise DataError(str(folder), [Fault(f"expected a folder with {TRAIN}, found {found}")])
    missing = [name for name in (TRAIN, DEMOGRAPHICS) if not (folder / name).is_file()]
    if missing:
        held = sorted(entry.name for entry in folder.iterdir())
        found = ", ".join(held[:12]) + (" and more" if len(held) > 12 else "")
        what = f"expected {TRAIN} and {DEMOGRAPHICS}, found {found or 'an empty folder'}"
        raise DataError(str(folder), [Fault(what)])


def _demographics_faults(people: Columns, recorded: Coded | None) -> list[Fault]:
    faults = list(people.faults)
    subject = people.text.get("subject")
    if subject is None:
        return faults
    if recorded is not None:
        unknown = [name for name in recorded.names if name not in subject.names]
        faults += _named(f"no row for a subject of {TRAIN}", unknown)
    twice = [name for name, rows in zip(subject.names, subject.counts, strict=True) if rows > 1]
    faults += _named("subject with more than one row", twice)
    handedness = people.numbers.get("handedness")
    if handedness is not None:
        strange = ~np.isin(handedness, (_LEFT, _RIGHT)) & ~people.unreadable
        places = [f"row {row:,}" for row in np.flatnonzero(strange)]
        faults += _named(f"handedness, expected {_LEFT} (left) or {_RIGHT} (right)", places)
    return faults


def _named(what: str, places: list[str]) -> list[Fault]:
    return [Fault(what, len(places), tuple(places[:EXAMPLES]))] if places else []


def _left_handers(people: Columns) -> tuple[str, ...]:
    subject = people.text["subject"]
    left = people.numbers["handedness"] == _LEFT
    return tuple(subject.names[code] for code in subject.codes[left] if code >= 0)
