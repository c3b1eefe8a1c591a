"""The database's clock in SQL.

Times are written by one clock, that of the database server, whatever the machines'
own say. With SQLite it is the clock of the machine that writes, and so times of
several machines may disagree; `storage.leases` does not judge by them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class EpochNow(FunctionElement[float]):
    """Seconds since 1970-01-01 UTC, read when the statement runs."""

    type = Double()
    inherit_cache = True


@compiles(EpochNow, "sqlite")
def _sqlite(_element: EpochNow, _compiler: Any, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's hook)
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(EpochNow, "postgresql")
def _postgresql(_element: EpochNow, _compiler: Any, **_: Any) -> str:  # noqa: ANN401 (as above)
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
