"""Carries a run over times when its database cannot be reached.

Workers train on meanwhile and what they say is kept; when the database is back
it is written. That ends when the outage has lasted too long, or was never one:
a wrong password does not get better by waiting.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.errors import UnavailableError
from study.logs import about

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


class Outage:
    """Whether the database is away, since when, and when to try it again."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Expect none.

        Args:
            limit: seconds that one may last.
            clock: seconds that only go forward.
        """
        self._limit = limit
        self._clock = clock
        self._since: float | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._next = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the database was away when it was last asked for something."""
        return self._since is not None

    def is_waiting(self) -> bool:
        """Whether it is away, and it is not time to try it again."""
        return self.is_on and self._clock() < self._next

    @contextmanager
    def bridged(self) -> Iterator[None]:
        """Do with the database what bears being begun again, and put up with an outage.

        Raises:
            UnavailableError: waiting does not help, or has taken too long.
        """
        began = self._clock()
        try:
            yield
        except UnavailableError as error:
            if not error.transient:
                raise
            self._note(error, began)
        else:
            self._is_over()

    def _note(self, error: UnavailableError, began: float) -> None:
        now = self._clock()
        if self._since is None:
            self._since = began
            self._pause = FIRST_PAUSE_SECONDS
            log.warning(
                "%s; workers go on and results are kept, for up to %.0f s",
                error,
                self._limit,
                extra=about(event="outage_began"),
            )
        if now - self._since > self._limit:
            raise error
        self._next = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _is_over(self) -> None:
        if self._since is not None:
            away = self._clock() - self._since
            log.warning(
                "the database is back after %.0f s", away, extra=about(event="outage_ended")
            )
            self._since = None
