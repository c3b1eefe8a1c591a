"""Under what conditions a coordinator runs, and how it gets into them.

Intervals are a tenth of what they are by default, so that leases run out in
seconds. The rest stands in for what a test cannot do to a machine.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine.default import DefaultDialect as AnyDialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

ANSWER_LOST = "the answer to a commit was lost"
FULL, LOSSY = "full", "lossy"
"""Files of the folder of faults: while one is there, so is its fault."""
LOST_SHARE = 0.1
"""Of the commits whose answer is lost."""
NO_LIMIT = 2**30
"""Pages of an SQLite file."""


@dataclass(frozen=True)
class Conditions:
    """What one coordinator meets."""

    lease_seconds: float = 6.0
    clock_ahead: float = 0.0
    """Seconds that SQLite's clock is ahead of the machine's, in this process."""
    faults: str | None = None
    """Folder of faults (SQLite): a disk that is full, and answers to commits that are lost."""
    seed: int = 0

    def dumped(self) -> str:
        return json.dumps(asdict(self))

    def meet(self) -> None:
        """Put this process, a coordinator to be, into these conditions."""
        self._hurry()
        if self.clock_ahead:
            _set_clock(self.clock_ahead)
        if self.faults is not None:
            _fill(Path(self.faults, FULL))
            _lose_answers(Path(self.faults, LOSSY), self.seed)

    def _hurry(self) -> None:
        from storage import leases
        from storage.runs import Runs
        from study import coordinator, outage, runner, supply

        patch.multiple(
            coordinator, TICK_SECONDS=0.2, FLUSH_SECONDS=0.5, RECONCILE_SECONDS=1.0
        ).start()
        patch.object(supply, "POLL_SECONDS", 0.2).start()
        patch.object(outage, "LONGEST_PAUSE_SECONDS", 1.0).start()
        patch.object(leases, "AWAY_SECONDS", 3.0).start()
        leased = partial(Runs, lease_seconds=self.lease_seconds)
        patch.object(runner, "Runs", leased).start()


def _set_clock(ahead: float) -> None:
    """Have SQLite tell another time than the machine does."""
    from sqlalchemy.ext.compiler import compiles

    from storage.clock import EpochNow

    @compiles(EpochNow, "sqlite")
    def told(element: EpochNow, compiler: object, **options: object) -> str:
        return f"((julianday('now') - 2440587.5) * 86400.0 + {ahead})"


def _fill(marker: Path) -> None:
    """While the marker is there, let the database file take no page more."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    @event.listens_for(Pool, "checkout")
    def limit(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        pages = 1 if marker.exists() else NO_LIMIT
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()


def _lose_answers(marker: Path, seed: int) -> None:
    """While the marker is there, have a share of the commits fail after they were made."""
    from sqlalchemy.engine.default import DefaultDialect

    chance = random.Random(seed)
    commit: Callable[[AnyDialect, DBAPIConnection], None] = DefaultDialect.do_commit

    def do_commit(dialect: AnyDialect, connection: DBAPIConnection) -> None:
        commit(dialect, connection)
        if marker.exists() and chance.random() < LOST_SHARE:
            print(ANSWER_LOST, file=sys.stderr, flush=True)
            error = sqlite3.OperationalError(ANSWER_LOST)
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    patch.object(DefaultDialect, "do_commit", do_commit).start()
