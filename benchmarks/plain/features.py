"""The channels of the `gravity` set as a notebook computes them: groupby, one sequence at a time.

Notation: n rows of one sequence.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from model.data.sequences import Recording

ACC = ["acc_x", "acc_y", "acc_z"]
ROT = ["rot_x", "rot_y", "rot_z", "rot_w"]
"""Scalar last, as scipy has it."""

Columns = dict[str, NDArray[np.float64]]


def table(recording: Recording) -> pd.DataFrame:
    """The rows of a recording, each with the number of its sequence."""
    assert recording.rot is not None
    rows = pd.DataFrame(recording.acc.astype(np.float64), columns=ACC)
    rows[ROT] = recording.rot[:, [1, 2, 3, 0]].astype(np.float64)
    rows["sequence"] = np.repeat(np.arange(len(recording.start)), recording.length)
    return rows


def features(rows: pd.DataFrame, rate_hz: float) -> pd.DataFrame:
    """All channels, in the order of the rows. Every row has an orientation."""
    grouped = rows.groupby("sequence", sort=False, group_keys=False)
    return grouped[ACC + ROT].apply(of_sequence, rate_hz=rate_hz)


def of_sequence(rows: pd.DataFrame, rate_hz: float) -> pd.DataFrame:
    """Channels of one sequence."""
    acc = rows[ACC].to_numpy()
    rotation = Rotation.from_quat(rows[ROT].to_numpy())
    gravity = rotation.inv().apply([0.0, 0.0, 1.0])
    linear = acc - 9.81 * gravity
    norm = np.linalg.norm(linear, axis=1)
    turn = np.zeros_like(acc)
    turn[1:] = (rotation[:-1].inv() * rotation[1:]).as_rotvec()
    columns = (
        axes("acc", acc)
        | axes("gravity", gravity)
        | axes("linear_acc", linear)
        | {"linear_acc_norm": norm, "linear_acc_jerk": np.diff(norm, prepend=norm[0])}
        | axes("angular_velocity", turn * rate_hz)
        | {"angular_distance": np.linalg.norm(turn, axis=1)}
        | about_gravity("linear_acc", linear, gravity)
        | about_gravity("angular_velocity", turn * rate_hz, gravity)
    )
    return pd.DataFrame(columns, index=rows.index)


def axes(name: str, vectors: NDArray[np.float64]) -> Columns:
    """[n, 3] as three columns."""
    return {f"{name}_{axis}": vectors[:, i] for i, axis in enumerate("xyz")}


def about_gravity(name: str, vectors: NDArray[np.float64], gravity: NDArray[np.float64]) -> Columns:
    """The part of vectors [n, 3] along gravity, and the norm of the rest."""
    vertical = np.einsum("ni,ni->n", vectors, gravity)
    rest = vectors - vertical[:, np.newaxis] * gravity
    return {f"{name}_vertical": vertical, f"{name}_horizontal": np.linalg.norm(rest, axis=1)}
