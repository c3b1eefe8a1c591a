"""The three roles of a study in PostgreSQL, each with no more rights than it needs.

- owner: has the tables, and so may migrate them (`python -m storage upgrade`);
- worker: reads and writes rows, as `study.run` does;
- viewer: reads rows, as the dashboard, the report and the status do.

Rights of PUBLIC on the database and on its schema `public` are taken away. Passwords
are sent as SCRAM verifiers, so the server's log never has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from storage.credentials import ROLE_PASSWORDS
from storage.engine import open_engine, translated
from storage.errors import StorageError
from storage.rights import LATER_RIGHTS, WORKER_RIGHTS
from storage.schema import schema_lock, upgrade
from storage.translation import first_line
from storage.url import masked, sqlite_path

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Engine

_SPECIAL = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")


@dataclass(frozen=True)
class Roles:
    """Names of the roles."""

    owner: str = "study_owner"
    worker: str = "study_worker"
    viewer: str = "study_viewer"


class RoleError(StorageError):
    """Roles that cannot be made."""


def make_roles(url: str, roles: Roles, passwords: Mapping[str, str | None]) -> list[str]:
    """Make the tables and the roles, or bring both up to date. Safe to run twice and at once.

    Args:
        url: of the database, as a role that may create roles and owns the database, or as
            an administrator.
        roles: their names.
        passwords: of owner, worker and viewer; None leaves that of a role that is there.

    Returns:
        The names of the roles that were not there.

    Raises:
        RoleError: a password is missing, a name is taken by a role with rights of its own, or
            the server refuses.
        UnavailableError, SchemaError: the database cannot be used.
    """
    if sqlite_path(url) is not None:
        raise RoleError(
            f"storage {masked(url)}: expected postgresql://USER@HOST/DATABASE; SQLite has no "
            "roles, its file's permissions say who may read and write"
        )
    if len(set(astuple(roles))) < len(astuple(roles)):
        raise RoleError(f"expected three names, found {', '.join(astuple(roles))}")
    engine = open_engine(url)
    try:
        with translated(engine), engine.connect() as connection:
            _existing(connection, roles, passwords)
        upgrade(url)
        with schema_lock(engine), _refusals(engine), translated(engine), engine.begin() as made:
            plain = made.execution_options(no_parameters=True)  # % stays %
            return _make(plain, roles, passwords)
    finally:
        engine.dispose()


@contextmanager
def _refusals(engine: Engine) -> Iterator[None]:
    """What the server refuses, said without the statement: that has a password's verifier."""
    try:
        yield
    except DBAPIError as error:
        raise RoleError(f"storage {masked(engine.url)}: {first_line(error.orig)}") from None


def _make(connection: Connection, roles: Roles, passwords: Mapping[str, str | None]) -> list[str]:
    there = _existing(connection, roles, passwords)
    of_kind = asdict(roles)
    for kind, name in of_kind.items():
        verb = "ALTER" if name in there else "CREATE"
        _run(
            connection,
            f"{verb} ROLE {{0}} LOGIN {_password(connection, name, passwords[kind])}",
            name,
        )
    for statement in (*_joining(connection), *_DATABASE, *_SCHEMA, *_LATER):
        _run(connection, statement, *astuple(roles), _database(connection))
    for statement in (*_handed_over(connection, roles.owner), *_rights(connection)):
        _run(connection, statement, *astuple(roles))
    return [name for name in of_kind.values() if name not in there]


_DATABASE = (
    "REVOKE ALL ON DATABASE {3} FROM PUBLIC, {0}, {1}, {2}",
    "GRANT CONNECT ON DATABASE {3} TO {0}, {1}, {2}",
)
_SCHEMA = (
    "REVOKE ALL ON SCHEMA public FROM PUBLIC, {0}, {1}, {2}",
    "GRANT USAGE, CREATE ON SCHEMA public TO {0}",
    "GRANT USAGE ON SCHEMA public TO {1}, {2}",
)
_DEFAULTS = "ALTER DEFAULT PRIVILEGES FOR ROLE {0}"
_LATER = (
    f"{_DEFAULTS} IN SCHEMA public GRANT {LATER_RIGHTS} ON TABLES TO {{1}}",
    f"{_DEFAULTS} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {{1}}",
    f"{_DEFAULTS} IN SCHEMA public GRANT SELECT ON TABLES TO {{2}}",
    f"{_DEFAULTS} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    f"{_DEFAULTS} REVOKE USAGE ON TYPES FROM PUBLIC",
)


def _joining(connection: Connection) -> Iterator[str]:
    """To hand tables over to a role one has to be a member of it, unless one may do everything."""
    asked = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    if not connection.exec_driver_sql(asked).scalar():
        yield "GRANT {0} TO CURRENT_USER"


def _handed_over(connection: Connection, owner: str) -> Iterator[str]:
    """Tables, with their sequences, and types of their columns that are not the owner's yet."""
    of_others = f"AND pg_get_userbyid({{}}) <> {_literal(connection, owner)}"
    for table in _names(connection, f"{_TABLES} {of_others.format('relowner')}"):
        yield f"ALTER TABLE public.{_identifier(table)} OWNER TO {{0}}"
    for kind in _names(connection, f"{_TYPES} {of_others.format('typowner')}"):
        yield f"ALTER TYPE public.{_identifier(kind)} OWNER TO {{0}}"


def _rights(connection: Connection) -> Iterator[str]:
    for table in _names(connection, _TABLES):
        name = f"public.{_identifier(table)}"
        yield f"REVOKE ALL ON TABLE {name} FROM PUBLIC, {{1}}, {{2}}"
        yield f"GRANT {WORKER_RIGHTS[table]} ON TABLE {name} TO {{1}}"
        yield f"GRANT SELECT ON TABLE {name} TO {{2}}"
    for sequence in _names(connection, _SEQUENCES):
        name = f"public.{_identifier(sequence)}"
        yield f"REVOKE ALL ON SEQUENCE {name} FROM PUBLIC, {{1}}, {{2}}"
        yield f"GRANT USAGE ON SEQUENCE {name} TO {{1}}"


_OURS = ", ".join(f"'{name}'" for name in WORKER_RIGHTS)
_TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "  # noqa: S608 (constants)
    f"AND relkind = 'r' AND relname IN ({_OURS})"
)
_TYPES = (
    "SELECT DISTINCT typname FROM pg_type JOIN pg_attribute ON atttypid = pg_type.oid "  # noqa: S608 (as above)
    "JOIN pg_class ON pg_class.oid = attrelid WHERE typtype = 'e' "
    "AND typnamespace = 'public'::regnamespace AND relnamespace = typnamespace "
    f"AND relname IN ({_OURS})"
)
_SEQUENCES = (
    "SELECT s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid "  # noqa: S608 (as above)
    "JOIN pg_class t ON t.oid = d.refobjid WHERE s.relkind = 'S' AND d.deptype IN ('a', 'i') "
    f"AND t.relnamespace = 'public'::regnamespace AND t.relname IN ({_OURS})"
)


def _existing(
    connection: Connection, roles: Roles, passwords: Mapping[str, str | None]
) -> set[str]:
    """Which of the roles are there; those that are not need a password."""
    listed = ", ".join(_literal(connection, name) for name in astuple(roles))
    columns = ", ".join(_SPECIAL)
    query = f"SELECT rolname, {columns} FROM pg_roles WHERE rolname IN ({listed})"  # noqa: S608 (quoted)
    plain = connection.execution_options(no_parameters=True)
    found = plain.exec_driver_sql(query).all()
    for name, *rights in found:
        _refuse_special(name, [what for what, has in zip(_SPECIAL, rights, strict=True) if has])
    there = {name for name, *_ in found}
    for kind, name in asdict(roles).items():
        if name not in there and passwords[kind] is None:
            variable = ROLE_PASSWORDS[kind]
            raise RoleError(f"role {name}: expected a password in {variable} or {variable}_FILE")
    return there


def _refuse_special(role: str, special: Sequence[str]) -> None:
    """Refuse a role that may do what none of them should."""
    if special:
        raise RoleError(
            f"role {role}: expected a role without special rights, found {', '.join(special)}; "
            "take them away, or name another role"
        )


def _password(connection: Connection, name: str, password: str | None) -> str:
    """Clause that sets a password, as what the server stores in its place."""
    if password is None:
        return ""
    encrypted = _psycopg(connection).pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    return f"PASSWORD {_literal(connection, encrypted.decode())}"


def _run(connection: Connection, statement: str, *names: str) -> None:
    connection.exec_driver_sql(statement.format(*map(_identifier, names)))


def _names(connection: Connection, query: str) -> list[str]:
    return sorted(connection.exec_driver_sql(query).scalars())


def _database(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT current_database()").scalar())


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(connection: Connection, text: str) -> str:
    from psycopg import sql

    return sql.Literal(text).as_string(_psycopg(connection))


def _psycopg(connection: Connection) -> psycopg.Connection:
    raw: psycopg.Connection | None = connection.connection.driver_connection
    assert raw is not None
    return raw
