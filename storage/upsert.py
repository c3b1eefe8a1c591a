"""INSERT ... ON CONFLICT, which SQLAlchemy spells once a dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

from storage.tables import table_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table
    from sqlalchemy.orm import Session

    from storage.tables import Base

Insert = sqlite.Insert | postgresql.Insert


def insert_ignoring(session: Session, entity: type[Base]) -> Insert:
    """Insert into an entity's table that leaves rows with a taken key as they are."""
    return _insert(session.get_bind().dialect.name, table_of(entity)).on_conflict_do_nothing()


def insert_replacing(
    connection: Connection, table: Table, key: Sequence[str], values: Sequence[str]
) -> Insert:
    """Insert into a table that gives rows with a taken key the new values."""
    statement = _insert(connection.dialect.name, table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in values}
    )


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
