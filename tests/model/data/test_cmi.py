from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.data.cmi import OTHERS, TARGETS, UPSIDE_DOWN, mirrored, read_cmi, turned
from model.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ACC = ["acc_x", "acc_y", "acc_z"]
ROT = ["rot_w", "rot_x", "rot_y", "rot_z"]
ROWS = 3
SUBJECTS = ("SUBJ_000001", UPSIDE_DOWN[0], "SUBJ_000002", UPSIDE_DOWN[1])
"""Right-handed; right-handed and upside down; left-handed; left-handed and upside down."""
UP = np.array([0.0, 0.0, 9.81], np.float32)


def to_world(acc: NDArray[np.float32], rot: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn rows [n, 3] by q v q*, spelled out."""
    w, axis = rot[:, :1], rot[:, 1:]
    cross = np.cross(axis, acc)
    turned_rows: NDArray[np.float32] = acc + 2 * w * cross + 2 * np.cross(axis, cross)
    return turned_rows


unit_quaternions = (
    arrays(np.float32, (4, 4), elements=st.floats(-1, 1, width=32))
    .filter(lambda q: bool((np.linalg.norm(q, axis=1) > 0.1).all() and (q[:, 0] != 0).all()))
    .map(lambda q: (q * np.sign(q[:, :1]) / np.linalg.norm(q, axis=1, keepdims=True)).astype("f4"))
)
vectors = arrays(np.float32, (4, 3), elements=st.floats(-40, 40, width=16))


@given(acc=vectors, rot=unit_quaternions)
def test_turning_leaves_the_world_as_it_was(
    acc: NDArray[np.float32], rot: NDArray[np.float32]
) -> None:
    np.testing.assert_allclose(to_world(*turned(acc, rot)), to_world(acc, rot), atol=1e-4)


@given(acc=vectors, rot=unit_quaternions)
def test_mirroring_mirrors_the_world_and_keeps_up(
    acc: NDArray[np.float32], rot: NDArray[np.float32]
) -> None:
    expected = to_world(acc, rot) * np.array([-1, 1, 1], np.float32)
    np.testing.assert_allclose(to_world(*mirrored(acc, rot)), expected, atol=1e-4)


@given(rot=unit_quaternions)
def test_gravity_stays_up(rot: NDArray[np.float32]) -> None:
    inverse = rot * np.array([1, -1, -1, -1], np.float32)
    at_rest = to_world(np.tile(UP, (4, 1)), inverse)
    for correct in (turned, mirrored):
        np.testing.assert_allclose(to_world(*correct(at_rest, rot)), np.tile(UP, (4, 1)), atol=1e-4)


@given(acc=vectors, rot=unit_quaternions)
def test_twice_is_as_before(acc: NDArray[np.float32], rot: NDArray[np.float32]) -> None:
    for correct in (turned, mirrored):
        acc_twice, rot_twice = correct(*correct(acc, rot))
        np.testing.assert_array_equal(acc_twice, acc)
        np.testing.assert_array_equal(rot_twice, rot)


@given(acc=vectors, rot=unit_quaternions)
def test_the_order_of_the_corrections_does_not_matter(
    acc: NDArray[np.float32], rot: NDArray[np.float32]
) -> None:
    acc_one, rot_one = turned(*mirrored(acc, rot))
    acc_other, rot_other = mirrored(*turned(acc, rot))
    np.testing.assert_array_equal(acc_one, acc_other)
    np.testing.assert_array_equal(np.abs(rot_one), np.abs(rot_other))
    same_sign = (rot_one * rot_other).sum(axis=1)
    np.testing.assert_allclose(np.abs(same_sign), 1, atol=1e-5)


def train() -> pd.DataFrame:
    """Every gesture once by every subject, all rows the same movement."""
    keys = [
        (f"SEQ_{number:06d}", step, subject, gesture)
        for number, (subject, gesture) in enumerate(
            (subject, gesture) for subject in SUBJECTS for gesture in (*OTHERS, *TARGETS)
        )
        for step in range(ROWS)
    ]
    table = pd.DataFrame(keys, columns=["sequence_id", "sequence_counter", "subject", "gesture"])
    table.insert(0, "row_id", [f"{key[0]}_{key[1]:06d}" for key in keys])
    table[ACC] = [1.0, 2.0, 3.0]
    table[ROT] = [0.1, 0.5, 0.7, 0.5]
    table[["thm_1", "tof_1_v0"]] = [27.5, -1.0]
    return table


def demographics() -> pd.DataFrame:
    return pd.DataFrame({"subject": SUBJECTS, "age": 20, "handedness": [1, 1, 0, 0]})


def write_folder(
    folder: Path, rows: pd.DataFrame | None = None, people: pd.DataFrame | None = None
) -> Path:
    (train() if rows is None else rows).to_csv(folder / "train.csv", index=False)
    people = demographics() if people is None else people
    people.to_csv(folder / "train_demographics.csv", index=False)
    return folder


def test_a_folder_is_read_by_gesture_name(tmp_path: Path) -> None:
    recording = read_cmi(write_folder(tmp_path))
    assert len(recording.hierarchy.fine) == 18
    assert recording.hierarchy.fine == tuple(sorted((*TARGETS, *OTHERS)))
    named = [recording.hierarchy.fine[label] for label in recording.label]
    assert named == [*OTHERS, *TARGETS] * 4
    assert recording.subject_names == tuple(sorted(SUBJECTS))
    assert list(recording.length) == [ROWS] * 72
    assert recording.sequence_id[1] == "SEQ_000001"
    assert recording.pilot_subjects == ()
    assert recording.rate_hz == 10
    assert recording.extra_names == ()


def test_each_subject_gets_the_corrections_they_need(tmp_path: Path) -> None:
    recording = read_cmi(write_folder(tmp_path))
    assert recording.rot is not None
    acc = {}
    rot = {}
    for position, name in enumerate(recording.subject_names):
        rows = np.repeat(recording.subject == position, recording.length)
        (acc[name],) = np.unique(recording.acc[rows], axis=0)
        (rot[name],) = np.unique(recording.rot[rows], axis=0)
    plain, upside_down, left, both = SUBJECTS
    np.testing.assert_allclose(acc[plain], [1, 2, 3])
    np.testing.assert_allclose(acc[upside_down], [-1, -2, 3])
    np.testing.assert_allclose(acc[left], [-1, 2, 3])
    np.testing.assert_allclose(acc[both], [1, -2, 3])
    np.testing.assert_allclose(rot[plain], [0.1, 0.5, 0.7, 0.5])
    np.testing.assert_allclose(rot[upside_down], [0.5, -0.7, 0.5, -0.1])
    np.testing.assert_allclose(rot[left], [0.1, 0.5, -0.7, -0.5])
    np.testing.assert_allclose(rot[both], [0.5, -0.7, -0.5, 0.1])


def test_missing_orientations_stay_missing(tmp_path: Path) -> None:
    rows = train()
    upside_down = rows.index[rows["subject"] == UPSIDE_DOWN[1]][0]
    rows.loc[[0, upside_down], ROT] = np.nan
    recording = read_cmi(write_folder(tmp_path, rows))
    assert recording.rot is not None
    missing = np.flatnonzero(np.isnan(recording.rot).all(axis=1))
    assert list(missing) == [0, upside_down]


def test_a_folder_without_train_csv(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError) as raised:
        read_cmi(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}: ")
    assert "expected train.csv and train_demographics.csv, found notes.txt, train.parquet" in str(
        raised.value
    )


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing of that name"):
        read_cmi(tmp_path / "none")


def test_faults_of_both_files_come_in_one_message(tmp_path: Path) -> None:
    rows = train().rename(columns={"rot_w": "rotw"})
    rows.loc[rows["gesture"] == "Wave hello", "gesture"] = "wave hello"
    people = demographics().iloc[[0, 1, 2, 2]]
    people["handedness"] = [1, 2, 0, 0]
    with pytest.raises(DataError) as raised:
        read_cmi(write_folder(tmp_path, rows, people))
    for words in (
        "5 faults",
        "column 'rot_w' is missing; did you mean 'rotw'?",
        "'wave hello' in 12 rows; did you mean 'Wave hello'?",
        f"train_demographics.csv: no row for a subject of train.csv; first: {SUBJECTS[3]}",
        f"train_demographics.csv: subject with more than one row; first: {SUBJECTS[2]}",
        "train_demographics.csv: handedness, expected 0 (left) or 1 (right); first: row 1",
    ):
        assert words in str(raised.value)


def test_demographics_without_their_columns(tmp_path: Path) -> None:
    people = demographics().rename(columns={"subject": "person", "handedness": "handednes"})
    with pytest.raises(DataError) as raised:
        read_cmi(write_folder(tmp_path, people=people))
    assert "train_demographics.csv: column 'subject' is missing; there are" in str(raised.value)
    assert "column 'handedness' is missing; did you mean 'handednes'?" in str(raised.value)


def test_a_gesture_that_nobody_made(tmp_path: Path) -> None:
    rows = train()
    rows = rows[rows["gesture"] != "Neck - scratch"]
    with pytest.raises(DataError, match="target that occurs nowhere; first: 'Neck - scratch'"):
        read_cmi(write_folder(tmp_path, rows))
