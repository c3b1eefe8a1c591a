"""INSERT ... ON CONFLICT DO NOTHING, which SQLAlchemy spells once a dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

from storage.tables import table_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.tables import Base


def insert_ignoring(session: Session, entity: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Insert into an entity's table that leaves rows with a taken key as they are."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table_of(entity)).on_conflict_do_nothing()
    return sqlite.insert(table_of(entity)).on_conflict_do_nothing()
