"""The people who wear the device: what is known of them, and what is their own way to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

UPSIDE_DOWN = ("SUBJ_019262", "SUBJ_045235")
"""Subjects who wore the device turned by 180 degrees; in every set of four people or more."""

_LEFT_HANDED = 10 / 81
_NUMBERS = 1_000_000

DEMOGRAPHICS = (
    "subject",
    "adult_child",
    "age",
    "sex",
    "handedness",
    "height_cm",
    "shoulder_to_wrist_cm",
    "elbow_to_wrist_cm",
)


@dataclass(frozen=True)
class Person:
    """A subject. The first fields are its line of the demographics."""

    subject: str
    adult: bool
    age: int
    male: bool
    right_handed: bool
    height: float
    """cm, as the next two."""
    shoulder_to_wrist: float
    elbow_to_wrist: float
    heading: float
    """Where the person faces in the world's frame, radians."""
    tempo: float
    """Speed of all strokes over what is usual."""
    vigour: float
    """Size of all strokes over what is usual."""
    posture: tuple[float, float, float]
    """Yaw, elevation and roll of this forearm over what is usual, degrees."""
    warmth: float
    """Temperature of the room and the skin over what is usual, degrees C."""

    @property
    def upside_down(self) -> bool:
        """Whether the device was worn turned by 180 degrees about its z axis."""
        return self.subject in UPSIDE_DOWN

    def line(self) -> str:
        """Values of DEMOGRAPHICS, comma-separated."""
        sizes = (self.height, self.shoulder_to_wrist, self.elbow_to_wrist)
        flags = (int(self.adult), self.age, int(self.male), int(self.right_handed))
        return ",".join((self.subject, *map(str, flags), *(f"{size:.1f}" for size in sizes)))


def draw_people(
    rng: np.random.Generator, count: int, strangers_to: Collection[str] = UPSIDE_DOWN
) -> list[Person]:
    """Draw people, about one in eight of them left-handed, under names not yet taken."""
    numbers = rng.choice(_NUMBERS, size=count + len(strangers_to), replace=False)
    names = [f"SUBJ_{number:06d}" for number in numbers]
    names = [name for name in names if name not in strangers_to][:count]
    if count >= 4:
        names[1:3] = UPSIDE_DOWN
    lefties = round(_LEFT_HANDED * count)
    left_handed = set(rng.choice(count, size=lefties, replace=False).tolist())
    return [_draw(rng, name, i not in left_handed) for i, name in enumerate(names)]


def _draw(rng: np.random.Generator, subject: str, right_handed: bool) -> Person:
    adult = bool(rng.random() < 0.5)
    male = bool(rng.random() < 0.6)
    age = int(rng.integers(18, 54) if adult else rng.integers(10, 18))
    grown = 162.0 + 14.0 * male
    height = float(np.clip(grown - 5.0 * max(0, 16 - age) + rng.normal(0, 6), 130, 195))
    arm = height * float(rng.normal(0.305, 0.012))
    yaw, elevation, roll = rng.normal(0, (10.0, 7.0, 10.0))
    return Person(
        subject=subject,
        adult=adult,
        age=age,
        male=male,
        right_handed=right_handed,
        height=height,
        shoulder_to_wrist=arm,
        elbow_to_wrist=arm * float(rng.normal(0.5, 0.03)),
        heading=float(rng.uniform(-np.pi, np.pi)),
        tempo=float(np.exp(rng.normal(0, 0.12))),
        vigour=float(np.exp(rng.normal(0, 0.3))),
        posture=(float(yaw), float(elevation), float(roll)),
        warmth=float(rng.normal(0, 0.8)),
    )
