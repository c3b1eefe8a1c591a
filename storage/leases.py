"""Leases, as those see them who are to say whether one has run out.

Clocks cannot be trusted to agree: on SQLite a lease is written by the clock of
its holder's machine, and a server's clock may be set. So whoever judges a lease
only asks whether it is renewed: it has run out when its value has stayed the same
for a whole lease by the judge's own clock, which nobody sets.

That also forgives what was nobody's fault. While the database is away nobody can
renew; a judge that could not look either, or was stopped itself, begins anew, and
so does one that has just started. Whoever is back first takes nothing from others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

LEASE_SECONDS = 60.0
"""How long a claim stands without being renewed, unless somebody says otherwise."""
AWAY_SECONDS = 30.0
"""Between two looks; after more, the judge itself was away. Coordinators look every 10 s."""


class Watch:
    """What one process has seen of the leases of a study."""

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to watch.

        Args:
            lease_seconds: how long a lease lasts without being renewed.
            clock: seconds that only go forward.
        """
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._looked = -math.inf
        self._seen: dict[int, tuple[float, float]] = {}
        """By run: its lease, and since when it is known to be that."""

    def expired(self, leases: Mapping[int, float]) -> set[int]:
        """Runs whose leases have run out.

        Args:
            leases: of all runs that are running, as they are now.
        """
        now = self._clock()
        before = self._seen if now - self._looked <= AWAY_SECONDS else {}
        self._looked = now
        self._seen = {
            run: before[run] if run in before and before[run][0] == lease else (lease, now)
            for run, lease in leases.items()
        }
        return {run for run, (_, since) in self._seen.items() if now - since >= self._lease_seconds}
