"""The channels as public CMI notebooks compute them: groupby.apply and scipy's Rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
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
CHANNELS = ACC + QUATERNION + GRAVITY + LINEAR + STEPS


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

    now = np.column_stack([rotation.as_quat(canonical=True), up, linear, norm])
    now[~recorded] = np.nan
    step = np.zeros((len(acc), 5))
    step[1:] = np.column_stack([np.diff(norm), turn * rate_hz, distance])
    step[1:][~(recorded[1:] & recorded[:-1])] = np.nan
    step[:1][~recorded[:1]] = np.nan
    return pd.DataFrame(np.column_stack([acc, now, step]), index=sequence.index, columns=CHANNELS)
