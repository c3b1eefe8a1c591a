"""From motion to what the device writes: whole quanta of every channel, and what is missing.

Notation: T rows; five thermopiles and five time-of-flight sensors of 8 x 8 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.data.synthetic.protocol import LAP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data.synthetic.motion import Motion
    from model.data.synthetic.people import Person
    from model.data.synthetic.protocol import Place

    Array = NDArray[np.float32]
    Quanta = NDArray[np.int32]

ACC_QUANTUM = 1 / 256
"""m/s^2."""
ROT_QUANTUM = 2**-14
THM_QUANTUM = 1e-4
"""degrees C."""
ACC_RANGE = (-43, 46)
THM_RANGE = (22, 38)
TOF_RANGE = (-1, 254)
"""The lower end says that nothing is in range."""

MISSING = np.iinfo(np.int32).max

_NEAREST, _REACH = 25.0, 435.0
"""Distances to skin, in steps of a time-of-flight sensor, when near and when far."""
_BLIND = 0.07
"""Chance that a pixel sees nothing though something is in range."""

_NO_THM_TOF, _NO_FIFTH, _NO_ROT = 88 / 8151, 340 / 8151, 52 / 8151
"""Shares of sequences that lack sensors from first row to last."""
_NULL_THM = (0.0, 0.0008, 0.0016, 0.0025, 0.0055)
_NULL_THM_TOF = 3.5e-5
_NULL_ROT = 4.5e-5
"""Shares of rows that lack single values."""


@dataclass(frozen=True)
class Readings:
    """What the device wrote, in quanta of each channel; MISSING where it wrote nothing."""

    acc: Quanta
    """[T, 3]"""
    rot: Quanta
    """[T, 4], scalar first."""
    thm: Quanta
    """[T, 5]"""
    tof: Quanta
    """[T, 320], pixel after pixel of each sensor."""

    def imu_only(self) -> Readings:
        """The same from a device that has neither thermopiles nor time-of-flight sensors."""
        return Readings(
            self.acc, self.rot, np.full_like(self.thm, MISSING), np.full_like(self.tof, MISSING)
        )


def measure(rng: np.random.Generator, motion: Motion, place: Place, person: Person) -> Readings:
    """Read all sensors of a worn device, faults included."""
    near = np.outer(motion.reach, np.subtract(place.near, LAP.near)) + np.array(LAP.near)
    near += 0.03 * motion.beat[:, None] + rng.normal(0, 0.12, 5)
    near = np.clip(near, 0, 1).astype(np.float32)
    acc, rot = _inertial(motion, person)
    readings = Readings(acc, rot, _thermopiles(rng, near, person), _time_of_flight(rng, near))
    _lose(rng, readings)
    return readings


def _inertial(motion: Motion, person: Person) -> tuple[Quanta, Quanta]:
    """Quanta of acc [T, 3] and rot [T, 4] for the hand and the way the device is worn.

    A left hand mirrors the right one in the plane x = 0. A device worn upside
    down is turned by 180 degrees about its z axis.
    """
    acc, (w, x, y, z) = motion.acc.T, motion.rotation
    if not person.right_handed:
        acc, y, z = acc * (-1, 1, 1), -y, -z
    if person.upside_down:
        acc, (w, x, y, z) = acc * (-1, -1, 1), (-z, y, -x, w)
    rot = np.rint(np.stack((w, x, y, z), axis=1) / ROT_QUANTUM).astype(np.int32)
    rot[rot[:, 0] < 0] *= -1
    low, high = ACC_RANGE
    return _quanta(np.clip(acc, low, high), ACC_QUANTUM), rot


def _thermopiles(rng: np.random.Generator, near: Array, person: Person) -> Quanta:
    """Temperatures [T, 5]: of the room, warmer the nearer the skin, slow to follow."""
    room = 24.6 + person.warmth + rng.normal(0, 0.8)
    warmed = room + 7.0 * near + rng.normal(0, 0.8, 5)
    noise = rng.normal(0, 0.25, near.shape)
    for row in range(1, len(near)):
        warmed[row] = 0.75 * warmed[row - 1] + 0.25 * warmed[row]
        noise[row] += 0.8 * noise[row - 1]
    return _quanta(np.clip(warmed + noise, *THM_RANGE), THM_QUANTUM)


def _time_of_flight(rng: np.random.Generator, near: Array) -> Quanta:
    """Distances [T, 320] to slanted, rough surfaces; out of range where too far away."""
    rows = len(near)
    pixel = np.arange(8, dtype=np.float32) - 3.5
    slope = rng.normal(0, 6, (2, 5, 1, 1)).astype(np.float32)
    rough = rng.normal(0, 4, (5, 8, 8)).astype(np.float32)
    surface = slope[0] * pixel[:, None] + slope[1] * pixel + rough
    distance = rng.standard_normal((rows, 5, 8, 8), dtype=np.float32)
    distance *= 2
    distance += surface
    distance += (_NEAREST + _REACH * (1 - near) ** 1.5)[:, :, None, None]
    low, high = TOF_RANGE
    blind = rng.random(distance.shape, dtype=np.float32) < _BLIND
    distance[blind | (distance > high)] = low
    np.maximum(distance, low, out=distance)
    return np.rint(distance).astype(np.int32).reshape(rows, 320)


def _lose(rng: np.random.Generator, readings: Readings) -> None:
    """Blank, in place, what a device fails to record."""
    thm, tof, rot = readings.thm, readings.tof, readings.rot
    rows = len(thm)
    thm[rng.random((rows, 5)) < _NULL_THM] = MISSING
    unread = rng.random(rows) < _NULL_THM_TOF
    without_rot = rng.random(rows) < _NULL_ROT
    chance = rng.random(3)
    if chance[0] < _NO_THM_TOF:
        unread[:] = True
    if chance[1] < _NO_FIFTH:
        thm[:, 4], tof[:, 256:] = MISSING, MISSING
    if chance[2] < _NO_ROT:
        without_rot[:] = True
    thm[unread], tof[unread] = MISSING, MISSING
    rot[without_rot] = MISSING


def _quanta(values: NDArray[np.float64], quantum: float) -> Quanta:
    return np.rint(values / quantum).astype(np.int32)
