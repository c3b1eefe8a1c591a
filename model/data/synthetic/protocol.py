"""What is asked of the people: gestures, body orientations, and who gets which trial."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STRAIGHT = "Seated Straight"
FACE_DOWN = "Seated Lean Non Dom - FACE DOWN"
BACK = "Lie on Back"
SIDE = "Lie on Side - Non Dominant"

STARTS = ("Moves hand to target location", "Relaxes and moves hand to target location")
AT_TARGET = "Hand at target location"
PERFORMS = "Performs gesture"

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """Where the hand is during a gesture, as the wrist knows it."""

    pose: Vector
    """Yaw, elevation and roll of the forearm against the torso, degrees."""
    path: Vector
    """Way of the hand from the lap: forwards, left, up; in arm lengths."""
    near: tuple[float, float, float, float, float]
    """How close each thermopile and time-of-flight sensor is to skin, 0 to 1."""


LAP = Place((-10, -25, -15), (0, 0, 0), (0.55, 0.10, 0.30, 0.45, 0.15))


@dataclass(frozen=True)
class Gesture:
    """A class of the data set and the movement that tells it from the others."""

    name: str
    target: bool
    orientations: tuple[str, ...]
    place: Place
    frequency: float
    """Strokes per second."""
    swing: Vector
    """Amplitude of the wrist's rotation about its axes, degrees."""
    stroke: Vector
    """Amplitude of the wrist's acceleration along its axes, m/s^2."""
    pause: float
    """How far the movement dies down between bursts, 0 to 1."""


_ALL = (STRAIGHT, FACE_DOWN, BACK, SIDE)
_UPRIGHT = (STRAIGHT, BACK, SIDE)
_EAR = Place((35, 62, 68), (0.1, -0.1, 0.75), (0.80, 0.35, 0.20, 0.30, 0.60))
_CHEEK = Place((14, 52, 44), (0.2, 0.1, 0.60), (0.75, 0.45, 0.30, 0.20, 0.50))
_BROW = Place((6, 66, 46), (0.2, 0.1, 0.70), (0.75, 0.55, 0.25, 0.15, 0.45))
_LASH = Place((2, 61, 38), (0.2, 0.1, 0.66), (0.80, 0.55, 0.30, 0.15, 0.45))
_HAIRLINE = Place((10, 76, 56), (0.2, 0.1, 0.80), (0.70, 0.60, 0.20, 0.15, 0.50))
_FOREHEAD = Place((7, 72, 50), (0.2, 0.1, 0.76), (0.70, 0.60, 0.25, 0.15, 0.50))
_NECK = Place((36, 42, 78), (0.0, -0.1, 0.55), (0.85, 0.25, 0.25, 0.40, 0.70))
_PHONE = Place((-20, 18, -32), (0.2, 0.0, 0.25), (0.25, 0.15, 0.45, 0.20, 0.20))
_HELLO = Place((-12, 58, -48), (0.4, -0.2, 0.65), (0.05, 0.05, 0.15, 0.10, 0.10))
_AIR = Place((-20, 28, -12), (0.6, 0.0, 0.45), (0.05, 0.10, 0.10, 0.05, 0.10))
_PULL = Place((-16, 36, 8), (0.5, 0.0, 0.50), (0.15, 0.20, 0.15, 0.05, 0.20))
_TRAY = Place((-24, -8, -20), (0.5, 0.2, 0.10), (0.35, 0.15, 0.35, 0.25, 0.15))
_GLASSES = Place((12, 60, 30), (0.2, 0.0, 0.68), (0.65, 0.45, 0.35, 0.15, 0.40))
_MOUTH = Place((4, 46, 14), (0.2, 0.1, 0.55), (0.55, 0.35, 0.40, 0.15, 0.35))
_LEG = Place((-8, -42, -5), (0.4, 0.0, -0.20), (0.50, 0.20, 0.55, 0.60, 0.25))

GESTURES = (
    Gesture("Above ear - pull hair", True, _ALL, _EAR, 1.1, (7, 4, 6), (0.8, 0.9, 0.5), 0.6),
    Gesture("Cheek - pinch skin", True, _ALL, _CHEEK, 1.8, (4, 3, 3), (0.4, 0.5, 0.4), 0.3),
    Gesture("Eyebrow - pull hair", True, _ALL, _BROW, 1.2, (4, 5, 3), (0.8, 0.4, 0.4), 0.7),
    Gesture("Eyelash - pull hair", True, _ALL, _LASH, 1.5, (3, 4, 5), (0.4, 0.4, 0.6), 0.7),
    Gesture(
        "Forehead - pull hairline", True, _ALL, _HAIRLINE, 1.0, (6, 6, 3), (0.9, 0.5, 0.7), 0.6
    ),
    Gesture("Forehead - scratch", True, _ALL, _FOREHEAD, 3.0, (3, 8, 7), (0.8, 2.0, 1.0), 0.2),
    Gesture("Neck - pinch skin", True, _ALL, _NECK, 1.6, (5, 3, 4), (0.5, 0.5, 0.6), 0.4),
    Gesture("Neck - scratch", True, _ALL, _NECK, 3.2, (4, 9, 6), (0.9, 1.8, 1.0), 0.2),
    Gesture("Text on phone", False, _ALL, _PHONE, 2.3, (2, 2, 2), (0.2, 0.3, 0.4), 0.4),
    Gesture("Wave hello", False, _UPRIGHT, _HELLO, 1.7, (14, 8, 26), (1.0, 3.4, 1.2), 0.1),
    Gesture("Write name in air", False, _UPRIGHT, _AIR, 1.3, (6, 12, 14), (0.9, 1.3, 1.3), 0.2),
    Gesture(
        "Pull air toward your face", False, _UPRIGHT, _PULL, 0.8, (10, 20, 9), (2.0, 0.8, 1.3), 0.3
    ),
    Gesture(
        "Feel around in tray and pull out an object",
        False,
        (STRAIGHT,),
        _TRAY,
        0.8,
        (12, 8, 9),
        (1.1, 1.1, 0.6),
        0.4,
    ),
    Gesture(
        "Glasses on/off", False, (STRAIGHT,), _GLASSES, 0.5, (16, 28, 12), (1.2, 1.0, 1.3), 0.3
    ),
    Gesture(
        "Drink from bottle/cup", False, (STRAIGHT,), _MOUTH, 0.35, (34, 24, 6), (1.0, 0.6, 1.0), 0.2
    ),
    Gesture(
        "Scratch knee/leg skin", False, (FACE_DOWN,), _LEG, 2.9, (3, 8, 6), (0.9, 1.7, 0.8), 0.2
    ),
    Gesture("Write name on leg", False, (FACE_DOWN,), _LEG, 1.4, (5, 7, 8), (0.6, 0.8, 0.5), 0.2),
    Gesture("Pinch knee/leg skin", False, (FACE_DOWN,), _LEG, 1.7, (4, 3, 4), (0.5, 0.5, 0.5), 0.4),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One sequence to be recorded."""

    subject: int
    gesture: Gesture
    orientation: str
    start: str
    """Behaviour of its first rows, one of STARTS."""


_Pair = tuple[Gesture, str]
_PAIRS = tuple(
    (gesture, orientation) for gesture in GESTURES for orientation in gesture.orientations
)
TRIALS_A_SUBJECT = len(_PAIRS) * len(STARTS)


def plan(rng: np.random.Generator, sequences: int, subjects: int) -> list[Trial]:
    """Deal the sequences to the subjects and put them in the order of recording.

    A subject with 102 sequences does each pair of gesture and orientation from
    both starts. One with 51 or fewer does pairs from one start, and no class a
    second time before every class once.
    """
    trials: list[Trial] = []
    for subject, count in enumerate(_shares(sequences, subjects)):
        order = _order(rng, first_class=len(trials))
        trials += [Trial(subject, *order[i % len(order)]) for i in range(count)]
    return [trials[i] for i in rng.permutation(len(trials))]


def _shares(sequences: int, subjects: int) -> list[int]:
    """Sequences of each subject: even, but that in a nearly full set one subject left half-way."""
    half = len(_PAIRS)
    full_set = half * subjects < sequences <= TRIALS_A_SUBJECT * (subjects - 1) + half
    left_early = [half] if full_set else []
    people = subjects - len(left_early)
    each, over = divmod(sequences - sum(left_early), people)
    return left_early + [each + (i < over) for i in range(people)]


def _order(rng: np.random.Generator, first_class: int) -> list[tuple[Gesture, str, str]]:
    """A subject's 102 trials, those first that matter most."""
    shift = first_class % len(GESTURES)
    by_class = [
        _shuffled(rng, [pair for pair in _PAIRS if pair[0] is gesture])
        for gesture in GESTURES[shift:] + GESTURES[:shift]
    ]
    pairs = [pair for pair in chain.from_iterable(zip_longest(*by_class)) if pair is not None]
    which = rng.integers(len(STARTS), size=len(pairs))
    once = [(*pair, STARTS[i]) for pair, i in zip(pairs, which, strict=True)]
    again = [(*pair, STARTS[1 - i]) for pair, i in zip(pairs, which, strict=True)]
    return once + [again[i] for i in rng.permutation(len(again))]


def _shuffled(rng: np.random.Generator, pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    return (pairs[i] for i in rng.permutation(len(pairs)))
