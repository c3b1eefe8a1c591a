"""A clock that goes when it is told to."""

from __future__ import annotations


class Clock:
    """Seconds, from 0."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds
