"""Rotations of many rows at once, as quaternions in columns.

Notation: a quaternion array is [4, n], scalar first (w, x, y, z), and turns the
sensor's frame into the world's. Vectors are [3, n]. Lengths near 1 are as good
as 1: every result is free of the scale of its quaternions. q and -q are one
rotation.

Formulas: Sola, "Quaternion kinematics for the error-state Kalman filter",
arXiv 1711.02508, sections 1 and 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def canonical(q: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of q and -q the one whose first part other than 0 is positive."""
    w, x, y, z = q
    leading = np.where(w != 0, w, np.where(x != 0, x, np.where(y != 0, y, z)))
    sign: NDArray[np.float32] = np.copysign(np.float32(1), leading)
    return q * sign


def gravity_direction(q: NDArray[np.float32]) -> NDArray[np.float32]:
    """The world's up as the sensor sees it: unit vectors [3, n]."""
    w, x, y, z = q
    ww, xx, yy, zz = w * w, x * x, y * y, z * z
    double = 2 / (ww + xx + yy + zz)
    return np.stack(
        (
            double * (x * z - w * y),
            double * (y * z + w * x),
            double * (ww + zz) - 1,
        )
    )


def between(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rotation from one orientation to another, in the sensor's frame: before* after."""
    aw, ax, ay, az = before
    bw, bx, by, bz = after
    return np.stack(
        (
            aw * bw + ax * bx + ay * by + az * bz,
            aw * bx - ax * bw - ay * bz + az * by,
            aw * by - ay * bw - az * bx + ax * bz,
            aw * bz - az * bw - ax * by + ay * bx,
        )
    )


def rotation_vector(q: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Axis times angle [3, n] and angle [n], 0 to pi radians: the shorter way round."""
    w, x, y, z = q
    sine = np.sqrt(x * x + y * y + z * z)
    angle = 2 * np.arctan2(sine, np.abs(w))
    still = sine == 0
    scale = np.copysign(angle, w) / np.where(still, np.float32(1), sine)
    return q[1:] * scale, angle
