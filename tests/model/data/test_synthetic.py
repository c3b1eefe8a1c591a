"""A generated folder has what CMI's has: columns, quanta, hierarchy, gaps and quirks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from model.data.synthetic import write_folder
from model.data.synthetic.protocol import TRIALS_A_SUBJECT, plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEQUENCES, SUBJECTS = 360, 12
UPSIDE_DOWN = ["SUBJ_019262", "SUBJ_045235"]
ACC = ["acc_x", "acc_y", "acc_z"]
ROT = ["rot_w", "rot_x", "rot_y", "rot_z"]
THM = [f"thm_{i}" for i in range(1, 6)]
TOF = [f"tof_{i}_v{j}" for i in range(1, 6) for j in range(64)]
LABELS = ["sequence_type", "orientation", "behavior", "phase", "gesture"]

STRAIGHT, FACE_DOWN = "Seated Straight", "Seated Lean Non Dom - FACE DOWN"
ALL_FOUR = frozenset((STRAIGHT, FACE_DOWN, "Lie on Back", "Lie on Side - Non Dominant"))
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
UPRIGHT = ("Wave hello", "Write name in air", "Pull air toward your face")
AT_TABLE = (
    "Feel around in tray and pull out an object",
    "Glasses on/off",
    "Drink from bottle/cup",
)
ON_LEG = ("Scratch knee/leg skin", "Write name on leg", "Pinch knee/leg skin")
ORIENTATIONS = {
    **dict.fromkeys((*TARGETS, "Text on phone"), ALL_FOUR),
    **dict.fromkeys(UPRIGHT, ALL_FOUR - {FACE_DOWN}),
    **dict.fromkeys(AT_TABLE, frozenset((STRAIGHT,))),
    **dict.fromkeys(ON_LEG, frozenset((FACE_DOWN,))),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cmi") / "folder"
    write_folder(folder, sequences=SEQUENCES, subjects=SUBJECTS, seed=0)
    return folder


@pytest.fixture(scope="module")
def train(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "train.csv")


@pytest.fixture(scope="module")
def people(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "train_demographics.csv")


@pytest.fixture(scope="module")
def sequences(train: pd.DataFrame) -> pd.DataFrame:
    """First row of every sequence."""
    return train.drop_duplicates("sequence_id").set_index("sequence_id")


def in_world(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Acceleration in the world's frame, [rows, 3]."""
    rows = rows.dropna(subset=ROT)
    acc, q = rows[ACC].to_numpy(), rows[ROT].to_numpy()
    w, axis = q[:, :1], q[:, 1:]
    twice = 2 * np.cross(axis, acc)
    turned: NDArray[np.float64] = acc + w * twice + np.cross(axis, twice)
    return turned


def steps(train: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the next row is of the same sequence, [rows - 1]."""
    ids = train["sequence_id"].to_numpy()
    same: NDArray[np.bool_] = ids[1:] == ids[:-1]
    return same


def test_columns_stand_in_cmis_order(folder: Path, train: pd.DataFrame) -> None:
    head = ["row_id", "sequence_type", "sequence_id", "sequence_counter", "subject"]
    expected = head + LABELS[1:] + ACC + ROT + THM + TOF
    assert list(train) == expected
    assert len(expected) == 341
    test = pd.read_csv(folder / "test.csv")
    assert list(test) == [name for name in expected if name not in LABELS]


def test_rows_are_numbered_within_their_sequences(train: pd.DataFrame) -> None:
    counter = train.groupby("sequence_id", sort=False).cumcount()
    assert (train["sequence_counter"] == counter).all()
    rows = train["sequence_id"] + "_" + counter.map("{:06d}".format)
    assert (train["row_id"] == rows).all()
    assert train["row_id"].iloc[0] == "SEQ_000007_000000"
    assert train["sequence_id"].nunique() == SEQUENCES
    assert train["sequence_id"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("columns", "quantum", "span", "tolerance"),
    [
        (ACC, 1 / 256, (-43, 46), 0),
        (ROT, 2**-14, (-1, 1), 0),
        (THM, 1e-4, (22, 38), 1e-6),
        (TOF, 1, (-1, 254), 0),
    ],
)
def test_values_are_whole_quanta_in_range(
    train: pd.DataFrame,
    columns: list[str],
    quantum: float,
    span: tuple[int, int],
    tolerance: float,
) -> None:
    values = train[columns].to_numpy()
    values = values[~np.isnan(values)]
    assert span[0] <= values.min() < values.max() <= span[1]
    assert np.abs(values / quantum - np.rint(values / quantum)).max() <= tolerance


def test_quaternions_are_of_unit_length_with_a_positive_first_part(train: pd.DataFrame) -> None:
    q = train[ROT].dropna().to_numpy()
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1, atol=1e-4)
    assert q[:, 0].min() >= 0


def test_acceleration_points_up_in_the_world_however_the_device_is_worn(
    train: pd.DataFrame, people: pd.DataFrame
) -> None:
    left_handed = people.loc[people["handedness"] == 0, "subject"]
    for subjects in (people["subject"], left_handed, UPSIDE_DOWN):
        mean = in_world(train[train["subject"].isin(subjects)]).mean(axis=0)
        np.testing.assert_allclose(mean, (0, 0, 9.8), atol=0.1)


def test_left_hands_are_mirrored_and_two_devices_turned(
    train: pd.DataFrame, people: pd.DataFrame
) -> None:
    """Seated, the forearm slopes down to the lap: gravity is against the sensor's x."""
    seated = train[(train["orientation"] == "Seated Straight") & (train["sequence_counter"] < 3)]
    seated = seated[seated["behavior"].str.startswith("Moves")]
    along = seated.groupby("subject")["acc_x"].mean()
    mirrored = people.set_index("subject")["handedness"] == 0
    turned = pd.Series(along.index.isin(UPSIDE_DOWN), along.index)
    assert turned.sum() == 2
    assert mirrored.sum() == 1
    assert (along[mirrored ^ turned] > 0).all()
    assert (along[~(mirrored ^ turned)] < 0).all()


def test_labels_form_cmis_hierarchy(sequences: pd.DataFrame) -> None:
    found = sequences.groupby("gesture")["orientation"].agg(set).to_dict()
    assert found.keys() == ORIENTATIONS.keys()
    assert all(found[name] <= allowed for name, allowed in ORIENTATIONS.items())
    target = sequences["gesture"].isin(TARGETS)
    assert (sequences["sequence_type"] == np.where(target, "Target", "Non-Target")).all()


def test_labels_stay_the_same_within_a_sequence(train: pd.DataFrame) -> None:
    fixed = ["sequence_type", "subject", "orientation", "gesture"]
    assert (train.groupby("sequence_id")[fixed].nunique() == 1).to_numpy().all()


def test_each_sequence_moves_then_holds_then_performs(train: pd.DataFrame) -> None:
    starts = {"Moves hand to target location", "Relaxes and moves hand to target location"}
    for sequence, rows in train.groupby("sequence_id"):
        order = list(rows["behavior"].drop_duplicates())
        assert order[0] in starts
        ends = ["Hand at target location", "Performs gesture"]
        assert order[1:] == (ends[:1] if sequence == "SEQ_011975" else ends)
        assert rows["behavior"].ne(rows["behavior"].shift()).sum() == len(order)
    gesture = train["behavior"] == "Performs gesture"
    assert (train["phase"] == np.where(gesture, "Gesture", "Transition")).all()
    assert 0.40 < gesture.mean() < 0.49


def test_every_class_is_met_in_every_subject(sequences: pd.DataFrame) -> None:
    assert sequences.groupby("subject").size().eq(SEQUENCES // SUBJECTS).all()
    assert sequences.groupby("gesture")["subject"].nunique().eq(SUBJECTS).all()


@given(sequences=st.integers(1, 1500), subjects=st.integers(1, 40), seed=st.integers(0, 99))
def test_trials_are_dealt_evenly_and_classes_first(
    sequences: int, subjects: int, seed: int
) -> None:
    subjects = min(subjects, sequences)
    trials = plan(np.random.default_rng(seed), sequences, subjects)
    dealt = np.bincount([trial.subject for trial in trials], minlength=subjects)
    assert len(trials) == dealt.sum() == sequences
    assert np.sort(dealt)[-1] - np.sort(dealt)[min(1, subjects - 1)] <= 1
    pairs = {(trial.subject, trial.gesture.name) for trial in trials}
    assert len(pairs) == np.minimum(dealt, 18).sum()
    assert len({gesture for _, gesture in pairs}) == min(18, sequences)
    whole = {(trial.subject, trial.gesture, trial.orientation, trial.start) for trial in trials}
    assert len(whole) == np.minimum(dealt, TRIALS_A_SUBJECT).sum()


def test_a_full_set_has_cmis_counts() -> None:
    trials = pd.DataFrame(
        (trial.subject, trial.gesture.name) for trial in plan(np.random.default_rng(0), 8151, 81)
    )
    dealt = trials[0].value_counts()
    assert (dealt.min(), dealt.max()) == (51, 102)
    classes = trials[1].value_counts()
    for name, orientations in ORIENTATIONS.items():
        expected = {4: 640, 3: 477.5, 1: 161}[len(orientations)]
        assert abs(classes[name] - expected) <= 12


def test_lengths_and_movement_are_cmis(train: pd.DataFrame) -> None:
    lengths = train.groupby("sequence_id").size()
    np.testing.assert_allclose(lengths.quantile([0.25, 0.5, 0.75]), (51, 59, 78), rtol=0.1)
    assert lengths.min() >= 29
    assert lengths.max() <= 700
    assert 9.8 < np.linalg.norm(train[ACC], axis=1).mean() < 10.2
    q = train[ROT].to_numpy()
    cosine = np.abs((q[1:] * q[:-1]).sum(axis=1))[steps(train)]
    degrees = np.degrees(2 * np.arccos(np.minimum(cosine, 1)))
    assert 1.5 < np.nanmedian(degrees) < 3
    assert 17 < np.nanquantile(degrees, 0.95) < 29


def test_thermopiles_and_distances_change_slowly(train: pd.DataFrame) -> None:
    same = steps(train)
    thm, tof = train[THM], train[TOF].to_numpy()
    assert 26 < thm.mean().mean() < 28.5
    around = (thm - thm.groupby(train["sequence_id"]).transform("mean")).to_numpy()
    before, after = around[:-1][same], around[1:][same]
    both = ~np.isnan(before + after)
    assert 0.8 < np.corrcoef(before[both], after[both])[0, 1] < 0.98
    far, seen = tof == -1, ~np.isnan(tof)
    assert 0.5 < far.sum() / seen.sum() < 0.65
    stays = far[1:][same][far[:-1][same]].mean()
    assert 0.9 < stays < 0.96


def test_what_is_missing_is_missing_as_in_cmi(train: pd.DataFrame) -> None:
    missing = train[ROT + THM + TOF].isna()
    together = [ROT, *(TOF[first : first + 64] for first in range(0, 320, 64))]
    for columns in together:
        some, every = missing[columns].any(axis=1), missing[columns].all(axis=1)
        assert (some == every).all()
    assert not train[ACC].isna().to_numpy().any()
    lost = missing.groupby(train["sequence_id"]).mean()
    everything = (lost[THM + TOF] == 1).all(axis=1)
    fifth = (lost[["thm_5", *TOF[256:]]] == 1).all(axis=1) & ~everything
    assert 0 < everything.mean() < 0.04
    assert 0.01 < fifth.mean() < 0.09
    assert 0 < (lost["rot_w"] == 1).mean() < 0.03
    assert ((lost["thm_5"] > 0) & (lost["thm_5"] < 1)).any()


def test_demographics_describe_the_subjects(train: pd.DataFrame, people: pd.DataFrame) -> None:
    assert list(people) == [
        *("subject", "adult_child", "age", "sex", "handedness"),
        *("height_cm", "shoulder_to_wrist_cm", "elbow_to_wrist_cm"),
    ]
    assert set(people["subject"]) == set(train["subject"]) >= set(UPSIDE_DOWN)
    assert people["age"].between(10, 53).all()
    assert (people["adult_child"] == (people["age"] >= 18)).all()
    assert set(people["sex"]) | set(people["handedness"]) == {0, 1}
    assert (people["elbow_to_wrist_cm"] < people["shoulder_to_wrist_cm"]).all()
    assert (people["shoulder_to_wrist_cm"] < people["height_cm"]).all()


def test_held_out_sequences_are_of_others_and_half_by_imu_alone(
    folder: Path, people: pd.DataFrame
) -> None:
    test = pd.read_csv(folder / "test.csv")
    strangers = pd.read_csv(folder / "test_demographics.csv")["subject"]
    assert set(test["subject"]) == set(strangers)
    assert not set(strangers) & set(people["subject"])
    imu_only = test[THM + TOF].isna().all(axis=1).groupby(test["sequence_id"]).all()
    assert list(imu_only) == [False, True]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        write_folder(tmp_path / name, sequences=12, subjects=3, seed=seed)
    for file in ("train.csv", "train_demographics.csv", "test.csv", "test_demographics.csv"):
        one, again, other = ((tmp_path / n / file).read_bytes() for n in ("one", "again", "other"))
        assert one == again
        assert one != other


def test_classes_are_learnable_but_not_trivial(train: pd.DataFrame) -> None:
    """Extra-trees on statistics of each sequence, tested on people they have not met."""
    values = train[[*ACC, *ROT]].fillna(0)
    ids = train["sequence_id"]
    changes = values.groupby(ids).diff()
    parts = []
    for table in (values, changes):
        grouped = table.groupby(ids)
        quantiles = grouped.quantile(np.array([0.05, 0.25, 0.5, 0.75, 0.95])).unstack()
        parts += [grouped.mean(), grouped.std(), quantiles]
    statistics = np.hstack([part.to_numpy() for part in parts])
    labels = train.groupby("sequence_id")[["gesture", "subject"]].first()
    truth = labels["gesture"].to_numpy()
    guess = cross_val_predict(
        ExtraTreesClassifier(200, random_state=0),
        statistics,
        truth,
        groups=labels["subject"],
        cv=GroupKFold(3),
    )
    merged = [[name if name in TARGETS else "other" for name in names] for names in (truth, guess)]
    binary = f1_score(*[[name != "other" for name in names] for names in merged])
    score = (binary + f1_score(*merged, average="macro")) / 2
    assert 0.48 < score < 0.8
    assert (truth == guess).mean() > 0.2
