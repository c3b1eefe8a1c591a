"""What the network sees: channels computed from a recording, all rows at once.

Notation: M rows, C channels, n rows of one chunk. Differences are to the
previous row of the same sequence and 0 in its first.

| channels | from | `plan` | `gravity` |
|---|---|---|---|
| acc_x/y/z | acceleration with gravity, m/s^2 | yes | yes |
| rot_w/x/y/z | orientation; of q and -q the one with w >= 0 | yes | |
| gravity_x/y/z | the world's up in the sensor's frame | | yes |
| linear_acc_x/y/z | acc less 9.81 m/s^2 upwards | yes | yes |
| linear_acc_norm, linear_acc_jerk | its norm, and that norm's difference | yes | yes |
| angular_velocity_x/y/z | rad/s, in the sensor's frame | yes | yes |
| angular_distance | radians from the previous orientation | yes | yes |
| linear_acc_vertical, _horizontal | its part along gravity, and the norm of the rest | | yes |
| angular_velocity_vertical, _horizontal | likewise | | yes |

Heading is arbitrary in the world's frame, and the wrist turns under the device:
what `gravity` has in place of the quaternion depends on neither the one nor, in
its last four channels, the other.

A recording without orientation has acc_x/y/z, acc_norm and acc_jerk in either
set. Further columns of the source follow under their own names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.data import quaternions
from model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from model.data.sequences import Recording

FEATURE_VERSION = 2
"""Goes up when a channel's values change."""

STANDARD_GRAVITY = np.float32(9.81)
"""m/s^2."""

_CHUNK_ROWS = 4096
"""Rows worked on together: their columns fit a processor's cache."""

_ACC = ("acc_x", "acc_y", "acc_z")
_ROT = ("rot_w", "rot_x", "rot_y", "rot_z")
_GRAVITY = ("gravity_x", "gravity_y", "gravity_z")
_MOTION = (
    "linear_acc_x",
    "linear_acc_y",
    "linear_acc_z",
    "linear_acc_norm",
    "linear_acc_jerk",
    "angular_velocity_x",
    "angular_velocity_y",
    "angular_velocity_z",
    "angular_distance",
)
_ABOUT_GRAVITY = (
    "linear_acc_vertical",
    "linear_acc_horizontal",
    "angular_velocity_vertical",
    "angular_velocity_horizontal",
)
_DIFFERENCES = frozenset(("linear_acc_jerk", *_MOTION[5:], *_ABOUT_GRAVITY[2:]))
_SETS = {"plan": _ACC + _ROT + _MOTION, "gravity": _ACC + _GRAVITY + _MOTION + _ABOUT_GRAVITY}
_WITHOUT_ROT = (*_ACC, "acc_norm", "acc_jerk")

Columns = dict[str, "NDArray[np.float32]"]


def features(
    recording: Recording, feature_set: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, tuple[str, ...]]:
    """Compute the channels of a feature set.

    Returns:
        values [M, C], finite; present [M, C], False (and the value 0) where a
        channel's source was not recorded, None if all were; names of the channels.

    Raises:
        ConfigError: an unknown feature set.
    """
    require_known(feature_set)
    motion = _WITHOUT_ROT if recording.rot is None else _SETS[feature_set]
    shape = len(recording.acc), len(motion) + len(recording.extra_names)
    values = np.empty(shape, np.float32)
    present = np.ones(shape, np.bool_)
    for rows, first in _chunks(recording):
        recorded = _write_motion(recording, rows, first, motion, values[rows])
        if recorded is not None:
            _blank_unrecorded(recorded, first, motion, values[rows], present[rows])
    values[:, len(motion) :] = recording.extra
    _blank_extra(values[:, len(motion) :], present[:, len(motion) :])
    everything = bool(present.all())
    return values, None if everything else present, (*motion, *recording.extra_names)


def require_known(feature_set: str) -> None:
    """Refuse a feature set that does not exist.

    Raises:
        ConfigError: it does not.
    """
    if feature_set not in _SETS:
        raise ConfigError(f"feature set: expected one of {', '.join(_SETS)}, found {feature_set!r}")


def _chunks(recording: Recording) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Whole sequences, about `_CHUNK_ROWS` rows at a time, and where in them each starts."""
    start = recording.start
    total = len(recording.acc)
    opening = np.searchsorted(start, np.arange(0, total, _CHUNK_ROWS))
    opening = np.unique(opening[opening < len(start)])
    for this, following in zip(opening, (*opening[1:], len(start)), strict=True):
        stop = start[following] if following < len(start) else total
        yield slice(start[this], stop), start[this:following] - start[this]


def _write_motion(
    recording: Recording,
    rows: slice,
    first: NDArray[np.int64],
    channels: tuple[str, ...],
    out: NDArray[np.float32],
) -> NDArray[np.bool_] | None:
    """Fill out [n, channels]; return which rows have an orientation, None if all do."""
    acc = np.array(recording.acc[rows].T, order="C")
    recorded: NDArray[np.bool_] | None = None
    if recording.rot is None:
        columns = _acc_columns(acc, first)
    else:
        rot = np.array(recording.rot[rows].T, order="C")
        if np.isnan(rot).any():
            recorded = np.logical_and.reduce(np.isfinite(rot))
            rot[:, ~recorded] = np.array([[1], [0], [0], [0]], np.float32)
        columns = _rot_columns(acc, rot, first, np.float32(recording.rate_hz))
    for position, name in enumerate(channels):
        out[:, position] = columns[name]
    return recorded


def _acc_columns(acc: NDArray[np.float32], first: NDArray[np.int64]) -> Columns:
    norm = _norm(acc)
    return {**dict(zip(_ACC, acc, strict=True)), "acc_norm": norm, "acc_jerk": _steps(norm, first)}


def _rot_columns(
    acc: NDArray[np.float32],
    rot: NDArray[np.float32],
    first: NDArray[np.int64],
    rate_hz: np.float32,
) -> Columns:
    """Columns [n] by name, from acc [3, n] and rot [4, n]."""
    rot = quaternions.canonical(rot)
    gravity = quaternions.gravity_direction(rot)
    linear = acc - STANDARD_GRAVITY * gravity
    norm = _norm(linear)
    step = np.zeros_like(rot)
    step[:, 1:] = quaternions.between(rot[:, :-1], rot[:, 1:])
    step[1:, first] = 0
    turn, distance = quaternions.rotation_vector(step)
    turning = turn * rate_hz
    motion = (*linear, norm, _steps(norm, first), *turning, distance)
    about = (*_parts(linear, gravity), *_parts(turning, gravity))
    names = _ACC + _ROT + _GRAVITY + _MOTION + _ABOUT_GRAVITY
    return dict(zip(names, (*acc, *rot, *gravity, *motion, *about), strict=True))


def _parts(
    vectors: NDArray[np.float32], up: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Component of vectors [3, n] along unit vectors [3, n], and the norm of what is left."""
    x, y, z = vectors * up
    along = x + y + z
    return along, _norm(vectors - along * up)


def _norm(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y, z = vectors
    norm: NDArray[np.float32] = np.sqrt(x * x + y * y + z * z)
    return norm


def _steps(values: NDArray[np.float32], first: NDArray[np.int64]) -> NDArray[np.float32]:
    steps = np.zeros_like(values)
    np.subtract(values[1:], values[:-1], out=steps[1:])
    steps[first] = 0
    return steps


def _blank_unrecorded(
    recorded: NDArray[np.bool_],
    first: NDArray[np.int64],
    channels: tuple[str, ...],
    values: NDArray[np.float32],
    present: NDArray[np.bool_],
) -> None:
    """Mask what rests on an orientation of its row, or of its row and the one before."""
    with_previous = recorded.copy()
    with_previous[1:] &= recorded[:-1]
    with_previous[first] = recorded[first]
    for position, name in enumerate(channels):
        if name not in _ACC:
            present[:, position] = with_previous if name in _DIFFERENCES else recorded
    values[~present] = 0


def _blank_extra(values: NDArray[np.float32], present: NDArray[np.bool_]) -> None:
    """Mask what is not finite, column by column to keep memory flat."""
    for column, mask in zip(values.T, present.T, strict=True):
        np.isfinite(column, out=mask)
        column[~mask] = 0
