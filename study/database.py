"""The database as commands that only read see it: it must be there, and its schema known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.engine import open_engine
from storage.schema import check
from storage.url import resolve_url

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def existing(storage: str | None) -> Iterator[Engine]:
    """Engine for a database that holds studies; nothing is created.

    Args:
        storage: a storage URL; None for STUDY_STORAGE or the default.

    Raises:
        StorageError: no such database, no tables of this project, or those of a newer version.
    """
    engine = open_engine(resolve_url(storage))
    try:
        check(engine)
        yield engine
    finally:
        engine.dispose()
