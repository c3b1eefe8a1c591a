"""When it is time for what is done every so many seconds."""

from __future__ import annotations

import time


class Timer:
    """Says at every so many seconds that it is time; the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether the time has come; if so, the next one is set."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
