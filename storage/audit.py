"""Says whether a database is sound: its file, its schema, and each study's rows. Reads only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from storage.audit_queries import RULES
from storage.clock import EpochNow
from storage.engine import open_engine, translated
from storage.errors import StudyMissing
from storage.schema import check, head
from storage.tables import StudyRecord, TrialRun
from storage.truth import unreadable
from storage.url import masked

if TYPE_CHECKING:
    from sqlalchemy import Row

EXAMPLES = 5
"""Of what is wrong, so many are named."""
HELD_INDEX = "ux_trial_run_held_cell"

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_INDEX = {
    "sqlite": "SELECT 1 FROM pragma_index_list('trial_run') WHERE name = :name AND \"unique\" = 1",
    "postgresql": "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) "
    "AND indisunique AND indisvalid",
}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    study: str | None
    """Name of the study; None if it is the database itself."""
    code: str
    """Which rule it breaks."""
    what: str
    count: int
    examples: Sequence[str]
    """Some of those that break it."""

    def __str__(self) -> str:
        where = "" if self.study is None else f"study {self.study!r}: "
        more = ", ..." if self.count > len(self.examples) else ""
        return f"{where}{self.count} {self.what}: {', '.join(self.examples)}{more}"


@dataclass(frozen=True)
class StudyCount:
    """A study, and how many attempts it has by state."""

    study_id: int
    name: str
    states: Mapping[str, int]


@dataclass(frozen=True)
class Audit:
    """What was found."""

    storage: str
    """URL without password."""
    schema: str
    """Revision of our tables."""
    optuna_schema: str
    """Revision of Optuna's."""
    studies: Sequence[StudyCount]
    findings: Sequence[Finding]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def as_text(self) -> str:
        """For people: a line a study, and one for whatever is wrong."""
        lines = [f"{self.storage}: schema {self.schema}, Optuna's {self.optuna_schema}"]
        for study in self.studies:
            counts = ", ".join(f"{count} {state}" for state, count in study.states.items())
            lines.append(f"study {study.name!r}: {counts or 'no trials'}")
        lines += [f"unsound: {finding}" for finding in self.findings] or ["sound"]
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """For programs."""
        return json.dumps({"sound": self.is_sound, **asdict(self)}, indent=2) + "\n"


def audit(database: Engine | str, study_name: str | None = None) -> Audit:
    """Look through a database, or one of its studies.

    Every statement sees the same moment, so a study may run meanwhile. A claim counts as
    held until its lease ends by the database's clock; on SQLite that is this machine's.

    Args:
        database: an engine on it, or its URL.
        study_name: look at this study only.

    Raises:
        UnavailableError: the database cannot be used.
        SchemaError: its tables are not those of this code or of the Optuna at hand, so that
            nothing can be said.
        StudyMissing: it has no study of that name.
    """
    if isinstance(database, Engine):
        return _audit(database, study_name)
    engine = open_engine(database)
    try:
        return _audit(engine, study_name)
    finally:
        engine.dispose()


def _audit(engine: Engine, study_name: str | None) -> Audit:
    damage = _damage(engine)
    if damage:
        return Audit(masked(engine.url), "unread", "unread", (), damage)
    check(engine)
    _check_optuna(engine)
    with _snapshot(engine) as connection:
        optuna_schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
        now = connection.scalar(select(EpochNow()))
        findings = list(_of_database(connection))
        studies = []
        for study in _studies(connection, study_name):
            studies.append(StudyCount(study.study_id, study.name, _states(connection, study)))
            findings += _of_study(connection, study, now)
    return Audit(masked(engine.url), head(), str(optuna_schema), studies, findings)


def _check_optuna(engine: Engine) -> None:
    from storage.optuna_schema import open_optuna

    url = engine.url.render_as_string(hide_password=False)
    open_optuna(url, reads_only=True).engine.dispose()


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Connection whose statements all see the database as it is at the first of them."""
    reads: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        reads = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with translated(engine), engine.connect() as connection:
        yield connection.execution_options(**reads)


def _damage(engine: Engine) -> list[Finding]:
    """What SQLite says of its file. PostgreSQL has programs of its own for this."""
    if engine.dialect.name != "sqlite":
        return []
    try:
        with _snapshot(engine) as connection:
            said = [row[0] for row in connection.execute(text("PRAGMA integrity_check"))]
    except Exception as error:
        if _code(error) not in _DAMAGED:
            raise
        said = [str(error.__cause__ or error).splitlines()[0]]
    return [] if said == ["ok"] else [_finding(None, "integrity", "faults in the file", said)]


def _code(error: BaseException) -> int:
    """SQLite's primary result code of what an error was raised from; 0 if it is not SQLite's."""
    cause = error.__cause__ if not isinstance(error, DatabaseError) else error
    original = cause.orig if isinstance(cause, DatabaseError) else cause
    return getattr(original, "sqlite_errorcode", 0) & 0xFF


def _of_database(connection: Connection) -> Iterator[Finding]:
    dialect = connection.dialect.name
    if dialect == "sqlite":
        dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
        if dangling:
            rows = [f"{table} row {row or '?'}" for table, row, *_ in dangling]
            yield _finding(None, "foreign_keys", "rows that belong to nothing", rows)
    if connection.scalar(text(_INDEX[dialect]), {"name": HELD_INDEX}) is None:
        what = "index that keeps cells from being held twice is gone"
        yield _finding(None, "index", what, [HELD_INDEX])


def _studies(
    connection: Connection, name: str | None
) -> Sequence[Row[tuple[int, str, dict[str, Any]]]]:
    query = select(StudyRecord.study_id, StudyRecord.name, StudyRecord.config)
    rows = connection.execute(query.order_by(StudyRecord.created)).all()
    if name is None:
        return rows
    chosen = [row for row in rows if row.name == name]
    if not chosen:
        raise StudyMissing(f"study {name!r}", [row.name for row in rows])
    return chosen


def _states(connection: Connection, study: Row[tuple[int, str, dict[str, Any]]]) -> dict[str, int]:
    query = (
        select(TrialRun.state, func.count().label("tries"))
        .where(TrialRun.study_id == study.study_id)
        .group_by(TrialRun.state)
        .order_by(TrialRun.state)
    )
    return {row.state: row.tries for row in connection.execute(query)}


def _of_study(
    connection: Connection, study: Row[tuple[int, str, dict[str, Any]]], now: float | None
) -> Iterator[Finding]:
    of_optuna = text("SELECT study_name FROM studies WHERE study_id = :study")
    if connection.scalar(of_optuna, {"study": study.study_id}) != study.name:
        what = "study that Optuna does not have; the next study.run removes what is left of it"
        yield _finding(study.name, "study_deleted", what, [study.name])
        return
    known = {"study": study.study_id, "now": now, **_sizes(study.config)}
    if known["folds"] is None or known["epochs"] is None:
        what = "configuration that does not say how many folds and epochs a trial has"
        yield _finding(study.name, "configuration", what, ["folds, training.epochs"])
    for rule in RULES:
        query = text(rule.query)
        binds = {name: known[name] for name in query.compile().params}
        if None not in binds.values():
            found = list(connection.scalars(query, binds))
            if found:
                yield _finding(study.name, rule.code, rule.broken, found)
    lost = list(unreadable(connection, study.study_id))
    if lost:
        yield _finding(study.name, "truth", "sets of true labels that cannot be read", lost)


def _sizes(config: Mapping[str, Any]) -> dict[str, int | None]:
    folds, epochs = config.get("folds"), config.get("training", {}).get("epochs")
    return {
        "folds": folds,
        "epochs": epochs,
        "all_epochs": folds * epochs if folds and epochs else None,
    }


def _finding(study: str | None, code: str, what: str, found: Sequence[str]) -> Finding:
    return Finding(study, code, what, len(found), tuple(map(str, found[:EXAMPLES])))
