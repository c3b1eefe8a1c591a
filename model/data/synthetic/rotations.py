"""Rotations along time. A quaternion array is [4, T], scalar first; vectors are [3, T]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def product(p: Array, q: Array) -> Array:
    """The rotation q followed by p."""
    pw, px, py, pz = p
    qw, qx, qy, qz = q
    return np.stack(
        (
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        )
    )


def about(axis: int, angle: Array) -> Array:
    """Turn by an angle [T] in radians about axis 0, 1 or 2."""
    q = np.zeros((4, len(angle)))
    q[0] = np.cos(angle / 2)
    q[1 + axis] = np.sin(angle / 2)
    return q


def to_sensor(q: Array, world: Array) -> Array:
    """World vectors as the sensor sees them: the inverse rotation of each."""
    w, axis = q[0], q[1:]
    twice: Array = 2 * np.cross(world, axis, axis=0)
    turned: Array = world + w * twice + np.cross(twice, axis, axis=0)
    return turned
