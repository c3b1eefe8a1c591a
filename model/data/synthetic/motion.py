"""How the wrist moves during one trial, and what an inertial sensor on it measures.

Notation: T rows at RATE_HZ. Frames: the torso's x points forwards, y left, z
up; the world's z points up. The sensor's x points along the forearm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.data.synthetic.protocol import (
    AT_TARGET,
    BACK,
    FACE_DOWN,
    LAP,
    PERFORMS,
    SIDE,
    STARTS,
    STRAIGHT,
    Gesture,
    Trial,
)
from model.data.synthetic.rotations import about, product, to_sensor

if TYPE_CHECKING:
    from model.data.synthetic.people import Person
    from model.data.synthetic.rotations import Array

RATE_HZ = 10.0
GRAVITY = 9.81

_LENGTHS = (
    (0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.9995, 1),
    (29, 41, 51, 59, 78, 128, 200, 420, 700),
)
"""Quantiles of the number of rows."""

_LYING = {STRAIGHT: (0, 0.0), FACE_DOWN: (1, 55.0), BACK: (1, -75.0), SIDE: (0, -70.0)}
"""Axis and angle (degrees) by which the torso is turned from sitting straight."""

_TREMOR_DEG = 0.4
_DRIFT_DEG = 8.0
_MISPLACED_DEG = 8.0
"""How differently one person holds the same pose from trial to trial."""
_BODY_DEG = 8.0
_SHAKE = 0.35
_SHAKE_TAIL = 2.5
"""Scale (m/s^2) and degrees of freedom of the wrist's shaking, knocks included."""


@dataclass(frozen=True)
class Timeline:
    """Which row belongs to what."""

    moving: int
    """Rows of moving the hand to its target, the first ones; then those of holding it there."""
    holding: int
    performing: int

    @property
    def rows(self) -> int:
        """All of them: T."""
        return self.moving + self.holding + self.performing

    def behaviors(self, start: str) -> list[str]:
        """What each row is called, [T]."""
        return [start] * self.moving + [AT_TARGET] * self.holding + [PERFORMS] * self.performing


@dataclass(frozen=True)
class Motion:
    """What the device goes through in one trial."""

    rotation: Array
    """[4, T] unit quaternion, sensor to world, scalar first."""
    acc: Array
    """[3, T] acceleration with gravity as the sensor feels it, m/s^2."""
    reach: Array
    """[T] 0 with the hand in the lap, 1 at its target."""
    beat: Array
    """[T] the gesture's strokes, -1 to 1."""


def draw_timeline(rng: np.random.Generator, *, without_gesture: bool) -> Timeline:
    """Draw how long a trial and its parts last."""
    rows = int(np.exp(np.interp(rng.random(), _LENGTHS[0], np.log(_LENGTHS[1]))))
    share = float(np.clip(rng.normal(0.445, 0.06), 0.25, 0.65))
    performing = 0 if without_gesture else round(share * rows)
    moving = round(float(rng.uniform(0.6, 0.85)) * (rows - performing))
    return Timeline(moving, rows - performing - moving, performing)


def simulate(rng: np.random.Generator, trial: Trial, person: Person, time: Timeline) -> Motion:
    """Move the wrist through a trial and measure it."""
    reach, pace = _reach(rng, trial.start == STARTS[1], time)
    beat, swing, stroke = _strokes(rng, trial.gesture, person, time)
    arm = _arm(rng, trial.gesture, person, reach)
    for axis in range(3):
        arm = product(arm, about(axis, swing[axis]))
    rotation = product(_torso(rng, trial.orientation, person, time.rows), arm)
    path = np.array(trial.gesture.place.path) * person.shoulder_to_wrist / 100
    carried = np.outer(path * rng.normal(1, 0.2, 3), pace)
    gravity = np.array([[0.0], [0.0], [GRAVITY]])
    felt = to_sensor(rotation, gravity) + to_sensor(arm, carried) + stroke
    felt += _SHAKE * rng.standard_t(_SHAKE_TAIL, (3, time.rows))
    return Motion(rotation, felt, reach, beat)


def _reach(rng: np.random.Generator, relaxes: bool, time: Timeline) -> tuple[Array, Array]:
    """Place of the hand [T] from lap (0) to target (1), and its acceleration [T] in 1/s^2."""
    lasts = float(np.clip(time.moving * rng.uniform(0.2, 0.5), 5, 16))
    begins = rng.uniform(0.1, 1) * max(time.moving - lasts, 0)
    reach, pace = _minimum_jerk(time.rows, begins, lasts)
    if relaxes:
        lowered, slowed = _minimum_jerk(time.rows, begins - rng.uniform(4, 12), 8)
        height = rng.uniform(0.2, 0.7)
        reach, pace = reach + height * (1 - lowered), pace - height * slowed
    return reach, pace


def _minimum_jerk(rows: int, begins: float, lasts: float) -> tuple[Array, Array]:
    """Path from 0 to 1 and its second derivative (Flash and Hogan 1985, J. Neurosci. 5)."""
    t = np.clip((np.arange(rows) - begins) / lasts, 0, 1)
    seconds = lasts / RATE_HZ
    return t**3 * (10 - 15 * t + 6 * t**2), (60 * t - 180 * t**2 + 120 * t**3) / seconds**2


def _strokes(
    rng: np.random.Generator, gesture: Gesture, person: Person, time: Timeline
) -> tuple[Array, Array, Array]:
    """Beat [T], rotation of the wrist [3, T] in radians, its acceleration [3, T] in m/s^2."""
    rows = time.rows
    performs = np.arange(rows) >= time.moving + time.holding
    frequency = gesture.frequency * person.tempo * np.exp(rng.normal(0, 0.18))
    phase = 2 * np.pi * (np.arange(rows) * frequency / RATE_HZ + rng.random())
    phase += 0.5 * np.cumsum(rng.normal(0, 1, rows))
    burst = 2 * np.pi * (0.06 * np.arange(rows) + rng.random())
    envelope = performs * (1 - gesture.pause * np.sin(burst) ** 2)
    size = envelope * person.vigour * np.exp(rng.normal(0, 0.5))
    lead = rng.uniform(-0.7, 0.7, (6, 1))
    wave = size * np.sin(phase + lead)
    tilt = np.exp(rng.normal(0, 0.45, (6, 1)))
    swing = np.radians(np.array(gesture.swing))[:, None] * wave[:3] * tilt[:3]
    stroke = np.array(gesture.stroke)[:, None] * wave[3:] * tilt[3:]
    return envelope * np.sin(phase), swing, stroke


def _arm(rng: np.random.Generator, gesture: Gesture, person: Person, reach: Array) -> Array:
    """Orientation of the forearm [4, T] before the strokes, sensor to torso."""
    lap = np.array(LAP.pose) + rng.normal(0, 8, 3)
    target = np.array(gesture.place.pose) + rng.normal(0, _MISPLACED_DEG, 3)
    held = lap[:, None] + np.outer(target - lap, reach) + np.array(person.posture)[:, None]
    held += _DRIFT_DEG * _wander(rng, len(reach), 3, 0.997)
    held += _TREMOR_DEG * _wander(rng, len(reach), 3, 0.6)
    yaw, elevation, roll = np.radians(held)
    return product(product(about(2, yaw), about(1, -elevation)), about(0, roll))


def _torso(rng: np.random.Generator, orientation: str, person: Person, rows: int) -> Array:
    """Orientation of the torso [4, T], at rest, to the world."""
    axis, angle = _LYING[orientation]
    lying = np.radians(angle + rng.normal(0, _BODY_DEG))
    heading = person.heading + rng.normal(0, 0.15)
    return product(about(2, np.full(rows, heading)), about(axis, np.full(rows, lying)))


def _wander(rng: np.random.Generator, rows: int, channels: int, memory: float) -> Array:
    """Noise [channels, rows] of unit variance whose lag-1 autocorrelation is `memory`."""
    noise = rng.standard_normal((rows, channels))
    noise[1:] *= np.sqrt(1 - memory**2)
    for row in range(1, rows):
        noise[row] += memory * noise[row - 1]
    return noise.T
