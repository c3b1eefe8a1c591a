"""The channels as public CMI notebooks compute them: groupby.apply and scipy's Rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data.sequences import Recording

ACC = ["acc_x", "acc_y", "acc_z"]
QUATERNION = ["rot_x", "rot_y", "rot_z", "rot_w"]
GRAVITY = ["gravity_x", "gravity_y", "gravity_z"]
LINEAR = ["linear_acc_x", "linear_acc_y", "linear_acc_z", "linear_acc_norm"]
STEPS = [
    "linear_acc_jerk",
    "angular_velocity_x",
    "angular_velocity_y",
    "angular_velocity_z",
    "angular_distance",
]
LINEAR_ABOUT_GRAVITY = ["linear_acc_vertical", "linear_acc_horizontal"]
TURNING_ABOUT_GRAVITY = ["angular_velocity_vertical", "angular_velocity_horizontal"]
NOW = QUATERNION + GRAVITY + LINEAR + LINEAR_ABOUT_GRAVITY
CHANNELS = ACC + NOW + STEPS + TURNING_ABOUT_GRAVITY


def reference_features(recording: Recording) -> pd.DataFrame:
    """All channels of both feature sets, NaN where they rest on a missing quaternion."""
    rows = _as_table(recording)
    grouped = rows.groupby("sequence", sort=False, group_keys=False)
    return grouped[rows.columns.tolist()].apply(_of_sequence, rate_hz=recording.rate_hz)


def _as_table(recording: Recording) -> pd.DataFrame:
    assert recording.rot is not None
    table = pd.DataFrame(recording.acc.astype(np.float64), columns=ACC)
    table[QUATERNION] = recording.rot[:, [1, 2, 3, 0]].astype(np.float64)
    table["sequence"] = np.repeat(np.arange(len(recording.start)), recording.length)
    return table


def _of_sequence(sequence: pd.DataFrame, rate_hz: float) -> pd.DataFrame:
    acc, quaternion = sequence[ACC].to_numpy(), sequence[QUATERNION].to_numpy()
    recorded = ~np.isnan(quaternion).any(axis=1)
    rotation = Rotation.from_quat(np.where(recorded[:, None], quaternion, [0.0, 0.0, 0.0, 1.0]))
    up = rotation.apply(np.array([0.0, 0.0, 1.0]), inverse=True)
    linear = acc - 9.81 * up
    norm = np.linalg.norm(linear, axis=1)
    turn = (rotation[:-1].inv() * rotation[1:]).as_rotvec()
    distance = np.linalg.norm(turn, axis=1)
    velocity = turn * rate_hz

    now = np.column_stack(
        [rotation.as_quat(canonical=True), up, linear, norm, *_about_gravity(linear, up)]
    )
    now[~recorded] = np.nan
    step = np.zeros((len(acc), 7))
    step[1:] = np.column_stack(
        [np.diff(norm), velocity, distance, *_about_gravity(velocity, up[1:])]
    )
    step[1:][~(recorded[1:] & recorded[:-1])] = np.nan
    step[:1][~recorded[:1]] = np.nan
    return pd.DataFrame(np.column_stack([acc, now, step]), index=sequence.index, columns=CHANNELS)


def _about_gravity(
    vectors: NDArray[np.float64], up: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The part along gravity, and the norm of the part across it."""
    return (vectors * up).sum(axis=1), np.linalg.norm(np.cross(vectors, up), axis=1)
