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
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from storage.engine import BUSY_SECONDS, engine_arguments, open_engine, retried, translated
from storage.errors import SchemaError, SchemaTooNew, UnavailableError
from storage.outcomes import storable
from storage.schema import check, upgrading
from storage.translation import first_line, translation
from storage.upsert import insert_replacing
from storage.url import masked, parse

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

    It makes and changes no table, so the rights to read and write rows are enough.
    On SQLite every transaction begins IMMEDIATE: Optuna reads before it writes,
    so with a plain BEGIN two processes give out the same trial, or fail for
    having read too early. With `reads_only` it begins plainly, for callers that
    change nothing and should not hold up those that do.

    Raises:
        UnavailableError: the database is not there, locked or gone.
        SchemaError: its tables do not fit this code, or were made by another Optuna.
    """
    engine = open_engine(url)
    try:
        check(engine)
        with optuna_translated(engine):
            storage = _storage(url)
            if _is_old(storage):
                raise SchemaError(
                    f"storage {masked(engine.url)}: its Optuna tables were made by an older "
                    "Optuna; run python -m storage upgrade"
                )
    finally:
        engine.dispose()
    return _beginning(storage, reads_only=reads_only)


def upgrade_and_open(url: str, *, busy_seconds: float = BUSY_SECONDS) -> RDBStorage:
    """`storage.schema.upgrade`, and Optuna's storage on the database, as `open_optuna` has it."""
    with upgrading(url):
        storage = make_schema(url, busy_seconds)
    return _beginning(storage)


def make_schema(url: str, busy_seconds: float = BUSY_SECONDS) -> RDBStorage:
    """Make or migrate Optuna's tables. The caller holds `schema_lock`."""
    with optuna_translated(open_engine(url)):
        storage = _storage(url, busy_seconds, makes_tables=True)
        if _is_old(storage):
            storage.upgrade()
    return storage


@retried
def add_trial(storage: RDBStorage, study_id: int, template: FrozenTrial) -> tuple[int, int]:
    """Make a trial like `template`. Returns its id and number.

    If the answer of a commit is lost a second one is made: the first is an orphan,
    which `Runs.orphans` finds.

    Raises:
        KeyError: there is no such study.
        UnavailableError: the database cannot be used.
    """
    # Optuna's own create_new_trial waits and tries five times itself, whatever the error is.
    with optuna_translated(storage.engine), Session(storage.engine) as session:
        models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
        trial = storage._get_prepared_new_trial(study_id, template, session)
        made: tuple[Any, Any] = trial.trial_id, trial.number
        session.commit()
    return made


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
            _value(trial, step, value)
            for trial, shows in live.items()
            for step, value in shows.values.items()
        ]
        attributes = [
            _attribute(trial, key, value)
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
        reason = cause.orig if isinstance(cause, DBAPIError) else cause or error
        said: Exception = UnavailableError(masked(engine.url), first_line(reason))
        if isinstance(cause, DBAPIError | PoolTimeout | PendingRollbackError):
            said = translation(engine.url, cause) or said
        raise said from error


def _ended(connection: Connection, trials: Collection[int]) -> set[int]:
    """Those of the trials that have ended; the others cannot end before the transaction does."""
    states = connection.execute(_STATES, {"ids": list(trials)}).all()
    missing = set(trials) - {trial for trial, _ in states}
    if missing:
        raise KeyError(f"no trial with id {min(missing)}")
    return {trial for trial, state in states if state.is_finished()}


def _value(trial: int, step: int, value: float) -> dict[str, object]:
    """Row of an intermediate value; those that are not finite have a type of their own."""
    number, kind = _Value.intermediate_value_to_stored_repr(value)
    key = {"trial_id": trial, "step": step}
    return key | {"intermediate_value": number, "intermediate_value_type": kind}


def _attribute(trial: int, key: str, value: object) -> dict[str, object]:
    """Row of a user attribute, without passwords."""
    stored = json.dumps(storable(value) if isinstance(value, str) else value)
    return {"trial_id": trial, "key": key, "value_json": stored}


def _replace(
    connection: Connection, table: Table, key: tuple[str, str], rows: Sequence[Mapping[str, object]]
) -> None:
    if rows:
        others = [name for name in rows[0] if name not in key]
        connection.execute(insert_replacing(connection, table, key, others), rows)


def _storage(
    url: str, busy_seconds: float = BUSY_SECONDS, *, makes_tables: bool = False
) -> RDBStorage:
    parsed = parse(url)
    plain = parsed.render_as_string(hide_password=False)
    return RDBStorage(
        plain.replace("{", "{{").replace("}", "}}"),  # Optuna formats its URLs
        engine_kwargs=engine_arguments(parsed, "NORMAL", busy_seconds),
        skip_compatibility_check=True,
        skip_table_creation=not makes_tables,
    )


def _is_old(storage: RDBStorage) -> bool:
    """Whether Optuna's tables wait for an upgrade.

    Raises:
        SchemaTooNew: they were made by a newer Optuna.
    """
    current = storage.get_current_version()
    if current == storage.get_head_version():
        return False
    if current not in storage.get_all_versions():
        raise SchemaTooNew(
            f"storage {masked(storage.engine.url)}: its Optuna tables ({current}) were made by a "
            "newer Optuna; update optuna, or use another storage"
        )
    return True


def _beginning(storage: RDBStorage, *, reads_only: bool = False) -> RDBStorage:
    """Have the storage begin its transactions as `open_optuna` says."""
    if storage.engine.dialect.name == "sqlite":
        begin = "BEGIN" if reads_only else "BEGIN IMMEDIATE"
        event.listen(storage.engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return storage
