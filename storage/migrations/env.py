"""Runs migrations on the connection that `storage.schema` hands over."""

from __future__ import annotations

from typing import Any

from alembic import context

from storage.schema import VERSION_TABLE
from storage.tables import Base


def ours(_object: object, name: str | None, kind: str, *_: Any) -> bool:  # noqa: ANN401 (Alembic's hook)
    """Keep tables that are Optuna's, or a user's, out of comparisons."""
    return kind != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_object=ours,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
