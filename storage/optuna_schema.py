"""Optuna's own storage on the same database. The one module here that imports Optuna."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import alembic.command  # noqa: F401 (RDBStorage imports it later, when somebody waits)
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from sqlalchemy import Connection, Engine, Table, bindparam, event, select
from sqlalchemy.exc import DBAPIError

from storage.engine import CONNECT_SECONDS, open_engine, retried, sqlite_creator, translated
from storage.errors import SchemaTooNew, UnavailableError
from storage.schema import check, schema_lock, upgrading
from storage.upsert import insert_replacing
from storage.url import masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from optuna.trial import FrozenTrial

# Optuna has no public way to write many values at once. Its tables are those of a released
# schema, and tests compare what is written here with what its own API writes and reads.
_Value = models.TrialIntermediateValueModel
_trials: Table = models.TrialModel.__table__
_values: Table = _Value.__table__
_attributes: Table = models.TrialUserAttributeModel.__table__

_STATES = (
    select(_trials.c.trial_id, _trials.c.state)
    .where(_trials.c.trial_id.in_(bindparam("ids", expanding=True)))
    .order_by(_trials.c.trial_id)
    .with_for_update(key_share=True)
)
"""Locks the trials, in an order in which two processes cannot wait for each other."""


@dataclass(frozen=True)
class Shown:
    """What a trial that has not ended shows in Optuna."""

    values: Mapping[int, float] = field(default_factory=dict)
    """Intermediate values by step."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """User attributes; whatever JSON knows."""


def open_optuna(url: str, *, reads_only: bool = False) -> RDBStorage:
    """Optuna's storage on a database that `storage.schema.upgrade` has made.

    On SQLite every transaction begins IMMEDIATE: Optuna reads before it writes,
    so with a plain BEGIN two processes give out the same trial, or fail for
    having read too early. With `reads_only` it begins plainly, for callers that
    change nothing and should not hold up those that do.

    Raises:
        UnavailableError: the database is not there, locked or gone.
        SchemaError: its tables do not fit this code, or were made by a newer Optuna.
    """
    engine = open_engine(url)
    try:
        check(engine)
        with schema_lock(engine):
            storage = make_schema(url)
    finally:
        engine.dispose()
    return _beginning(storage, reads_only=reads_only)


def upgrade_and_open(url: str) -> RDBStorage:
    """`storage.schema.upgrade`, and Optuna's storage on the database, as `open_optuna` has it."""
    with upgrading(url):
        storage = make_schema(url)
    return _beginning(storage)


def make_schema(url: str) -> RDBStorage:
    """Make or migrate Optuna's tables. The caller holds `schema_lock`."""
    engine = open_engine(url)
    plain = engine.url.render_as_string(hide_password=False)
    with optuna_translated(engine):
        storage = RDBStorage(
            plain.replace("{", "{{").replace("}", "}}"),  # Optuna formats its URLs
            engine_kwargs=_engine_arguments(url),
            skip_compatibility_check=True,
        )
        _upgrade(storage)
    return storage


def add_trial(storage: RDBStorage, study_id: int, template: FrozenTrial) -> tuple[int, int]:
    """Make a trial like `template`. Returns its id and number.

    Raises:
        KeyError: there is no such study.
        UnavailableError: the database cannot be used.
    """
    with optuna_translated(storage.engine):
        trial_id = storage.create_new_trial(study_id, template)
        of_trial = select(_trials.c.number).where(_trials.c.trial_id == trial_id)
        with storage.engine.connect() as connection:
            return trial_id, connection.execute(of_trial).scalar_one()


@retried
def show_trials(storage: RDBStorage, shown: Mapping[int, Shown]) -> set[int]:
    """Write what trials show, by trial id, in one transaction.

    What is there comes out as if Optuna's own setters had been called, which take a
    transaction a value: a step or attribute that was there gets the new value.

    Returns:
        The trials that have ended. Nothing of theirs is touched.

    Raises:
        KeyError: there is no such trial.
        UnavailableError: the database cannot be used.
    """
    with optuna_translated(storage.engine), storage.engine.begin() as connection:
        ended = _ended(connection, shown)
        live = {trial: shows for trial, shows in shown.items() if trial not in ended}
        values = [
            {"trial_id": trial, "step": step, **_stored(value)}
            for trial, shows in live.items()
            for step, value in shows.values.items()
        ]
        attributes = [
            {"trial_id": trial, "key": key, "value_json": json.dumps(value)}
            for trial, shows in live.items()
            for key, value in shows.attributes.items()
        ]
        _replace(connection, _values, ("trial_id", "step"), values)
        _replace(connection, _attributes, ("trial_id", "key"), attributes)
    return ended


@contextmanager
def optuna_translated(engine: Engine) -> Iterator[None]:
    """Turn what Optuna raises about the database itself into a StorageError."""
    try:
        with translated(engine):
            yield
    except StorageInternalError as error:
        cause = error.__cause__
        reason = str(cause.orig if isinstance(cause, DBAPIError) else cause or error)
        raise UnavailableError(masked(engine.url), reason.strip().splitlines()[0]) from error


def _ended(connection: Connection, trials: Collection[int]) -> set[int]:
    """Those of the trials that have ended; the others cannot end before the transaction does."""
    states = connection.execute(_STATES, {"ids": list(trials)}).all()
    missing = set(trials) - {trial for trial, _ in states}
    if missing:
        raise KeyError(f"no trial with id {min(missing)}")
    return {trial for trial, state in states if state.is_finished()}


def _stored(value: float) -> dict[str, object]:
    """Columns of an intermediate value; those that are not finite have a type of their own."""
    number, kind = _Value.intermediate_value_to_stored_repr(value)
    return {"intermediate_value": number, "intermediate_value_type": kind}


def _replace(
    connection: Connection, table: Table, key: tuple[str, str], rows: Sequence[Mapping[str, object]]
) -> None:
    if rows:
        others = [name for name in rows[0] if name not in key]
        connection.execute(insert_replacing(connection, table, key, others), rows)


def _engine_arguments(url: str) -> dict[str, Any]:
    path = sqlite_path(url)
    if path is None:
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
    return {"creator": sqlite_creator(path, "NORMAL")}


def _upgrade(storage: RDBStorage) -> None:
    current = storage.get_current_version()
    if current == storage.get_head_version():
        return
    if current not in storage.get_all_versions():
        raise SchemaTooNew(
            f"storage {masked(storage.engine.url)}: its Optuna tables ({current}) were made by a "
            "newer Optuna; update optuna, or use another storage"
        )
    storage.upgrade()


def _beginning(storage: RDBStorage, *, reads_only: bool = False) -> RDBStorage:
    """Have the storage begin its transactions as `open_optuna` says."""
    if storage.engine.dialect.name == "sqlite":
        event.listen(storage.engine, "begin", _begin if reads_only else _begin_immediate)
    return storage


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
