"""Features against a plain reference, at gaps and edges, and in speed."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from model.data import quaternions
from model.data.features import features
from model.errors import ConfigError
from tests.model.data.recordings import random_recording
from tests.model.data.reference import reference_features

PLAN = [
    "acc_x",
    "acc_y",
    "acc_z",
    "rot_w",
    "rot_x",
    "rot_y",
    "rot_z",
    "linear_acc_x",
    "linear_acc_y",
    "linear_acc_z",
    "linear_acc_norm",
    "linear_acc_jerk",
    "angular_velocity_x",
    "angular_velocity_y",
    "angular_velocity_z",
    "angular_distance",
]
ABOUT_GRAVITY = [
    "linear_acc_vertical",
    "linear_acc_horizontal",
    "angular_velocity_vertical",
    "angular_velocity_horizontal",
]


def test_channels() -> None:
    extra = np.zeros((3, 1), np.float32)
    recording = random_recording((3,), extra=extra)
    assert features(recording, "plan")[2] == (*PLAN, "extra_0")
    gravity = [*PLAN[:3], "gravity_x", "gravity_y", "gravity_z", *PLAN[7:], *ABOUT_GRAVITY]
    assert features(recording, "gravity")[2] == (*gravity, "extra_0")
    with pytest.raises(ConfigError, match="expected one of plan, gravity, found 'plum'"):
        features(recording, "plum")


@pytest.mark.parametrize("feature_set", ["plan", "gravity"])
@settings(deadline=None, max_examples=40)
@given(
    length=st.lists(st.integers(1, 40), min_size=1, max_size=20),
    gaps=st.floats(0, 0.5),
    seed=st.integers(0, 2**32),
)
def test_equals_the_reference(feature_set: str, length: list[int], gaps: float, seed: int) -> None:
    missing = np.flatnonzero(np.random.default_rng(seed).random(sum(length)) < gaps)
    recording = random_recording(length, seed=seed, missing=missing.tolist())
    values, present, channels = features(recording, feature_set)
    expected = reference_features(recording)[list(channels)].to_numpy()
    recorded = ~np.isnan(expected)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.where(recorded, expected, 0), atol=1e-4, rtol=0)
    if len(missing):
        np.testing.assert_array_equal(present, recorded)
    else:
        assert present is None


def test_equals_the_reference_over_many_chunks_and_thirty_times_faster() -> None:
    recording = random_recording([70] * 700, missing=range(9_000, 9_100))
    began = time.perf_counter()
    expected = reference_features(recording)
    reference_seconds = time.perf_counter() - began
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        values, _, channels = features(recording, "plan")
        seconds.append(time.perf_counter() - began)
    wanted = np.nan_to_num(expected[list(channels)].to_numpy())
    np.testing.assert_allclose(values, wanted, atol=1e-4, rtol=0)
    assert reference_seconds / np.median(seconds) > 30


def test_a_sensor_at_rest_has_gravity_and_nothing_else() -> None:
    turned = Rotation.from_euler("xyz", [0.4, -1.1, 2.0])
    recording = random_recording((4,))
    acc = np.tile(turned.apply([0, 0, 9.81], inverse=True), (4, 1)).astype(np.float32)
    rot = np.tile(turned.as_quat(scalar_first=True), (4, 1)).astype(np.float32)
    values, _, channels = features(replace(recording, acc=acc, rot=rot), "gravity")
    at = channels.index
    np.testing.assert_allclose(values[:, at("gravity_x") : at("gravity_z") + 1] * 9.81, acc, 1e-5)
    np.testing.assert_allclose(values[:, at("linear_acc_x") :], 0, atol=1e-5)


def test_a_steady_turn_has_its_rate_about_the_sensors_axis() -> None:
    angles = np.arange(5) * 0.2
    turning = Rotation.from_euler("z", 1.0) * Rotation.from_rotvec(np.outer(angles, [0, 1, 0]))
    rot = turning.as_quat(scalar_first=True).astype(np.float32)
    values, _, channels = features(replace(random_recording((5,)), rot=rot), "plan")
    at = channels.index("angular_velocity_x")
    np.testing.assert_allclose(values[0, at:], 0)
    np.testing.assert_allclose(values[1:, at:], np.tile([0, 2.0, 0, 0.2], (4, 1)), atol=1e-5)


@settings(deadline=None)
@given(
    hnp.arrays(np.bool_, 45),
    st.integers(0, 2**32),
)
def test_the_sign_of_a_quaternion_does_not_matter(flip: np.ndarray, seed: int) -> None:
    recording = random_recording(seed=seed)
    assert recording.rot is not None
    recording.rot[seed % 45] = [0, 0, -0.6, 0.8]
    flipped = replace(recording, rot=np.where(flip[:, None], -recording.rot, recording.rot))
    for feature_set in ("plan", "gravity"):
        values = features(recording, feature_set)[0]
        np.testing.assert_array_equal(values, features(flipped, feature_set)[0])


@settings(deadline=None)
@given(st.floats(-3, 3), st.integers(0, 2**32))
def test_gravity_set_does_not_depend_on_heading(heading: float, seed: int) -> None:
    recording = random_recording(seed=seed)
    assert recording.rot is not None
    about_up = Rotation.from_euler("z", heading)
    turned = about_up * Rotation.from_quat(recording.rot, scalar_first=True)
    rot = turned.as_quat(scalar_first=True).astype(np.float32)
    values = features(recording, "gravity")[0]
    np.testing.assert_allclose(
        values, features(replace(recording, rot=rot), "gravity")[0], atol=1e-4, rtol=0
    )


@settings(deadline=None)
@given(st.floats(-3, 3), st.integers(0, 2**32))
def test_parts_about_gravity_do_not_depend_on_how_the_device_sits(turned: float, seed: int) -> None:
    """A device turned about its own x: the same motion, the same vertical and horizontal parts."""
    recording = random_recording(seed=seed)
    assert recording.rot is not None
    on_the_wrist = Rotation.from_euler("x", turned)
    rotation = Rotation.from_quat(recording.rot, scalar_first=True) * on_the_wrist
    rot = rotation.as_quat(scalar_first=True).astype(np.float32)
    acc = on_the_wrist.inv().apply(recording.acc).astype(np.float32)
    values, _, channels = features(recording, "gravity")
    other = features(replace(recording, acc=acc, rot=rot), "gravity")[0]
    parts = [channels.index(name) for name in ABOUT_GRAVITY]
    np.testing.assert_allclose(values[:, parts], other[:, parts], atol=1e-3, rtol=1e-3)


def test_one_gap_masks_its_row_and_the_next_rows_differences() -> None:
    values, present, channels = features(random_recording((4, 3), missing=[1, 4]), "plan")
    assert present is not None
    assert present[:, channels.index("acc_x")].all()
    assert (
        present[:, channels.index("rot_w")].tolist()
        == [True, False, True, True, False] + [True] * 2
    )
    for name in ("linear_acc_jerk", "angular_velocity_y", "angular_distance"):
        masked = present[:, channels.index(name)].tolist()
        assert masked == [True, False, False, True, False, False, True]
    assert np.isfinite(values).all()
    assert (values[~present] == 0).all()


def test_no_quaternion_at_all() -> None:
    nowhere = random_recording((2, 3), missing=range(5))
    values, present, _ = features(nowhere, "gravity")
    assert present is not None
    assert present[:, :3].all()
    assert not present[:, 3:].any()
    assert not values[:, 3:].any()

    for feature_set in ("plan", "gravity"):
        values, present, channels = features(replace(nowhere, rot=None), feature_set)
        assert channels == ("acc_x", "acc_y", "acc_z", "acc_norm", "acc_jerk")
        assert present is None
        norm = np.linalg.norm(nowhere.acc, axis=1)
        np.testing.assert_allclose(values[:, 3], norm, rtol=1e-6)
        np.testing.assert_allclose(
            values[:, 4], [0, norm[1] - norm[0], 0, *np.diff(norm[2:])], 1e-4
        )


def test_further_columns_follow_and_their_gaps_are_masked() -> None:
    extra = np.array([[1, np.nan], [2, 5], [np.nan, 6]], np.float32)
    recording = random_recording((3,), extra=extra)
    values, present, _ = features(recording, "plan")
    assert present is not None
    np.testing.assert_array_equal(values[:, 16:], [[1, 0], [2, 5], [0, 6]])
    np.testing.assert_array_equal(present[:, 16:], ~np.isnan(extra))
    assert present[:, :16].all()


@pytest.mark.parametrize("length", [(1,), (1, 1, 1), (9_000,), (4_095, 1, 1, 4_097)])
def test_input_is_left_alone(length: tuple[int, ...]) -> None:
    recording = random_recording(length, missing=[0])
    assert recording.rot is not None
    before = recording.acc.copy(), recording.rot.copy()
    features(recording, "plan")
    np.testing.assert_array_equal(recording.acc, before[0])
    np.testing.assert_array_equal(recording.rot, before[1])


@settings(deadline=None)
@given(hnp.arrays(np.float32, (4, 6), elements=st.floats(-1, 1, width=32)))
def test_rotation_vectors_are_never_nan_and_at_most_half_a_turn(q: np.ndarray) -> None:
    vector, angle = quaternions.rotation_vector(q)
    assert np.isfinite(vector).all()
    assert ((angle >= 0) & (angle <= np.float32(np.pi))).all()
