"""Making roles, and bringing them up to date."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy.engine import make_url

from storage.__main__ import main
from storage.audit import audit
from storage.errors import SchemaMissing
from storage.roles import RoleError, Roles, make_roles
from storage.schema import upgrade
from tests.storage.every_state import write_every_state
from tests.storage.postgres import Cluster
from tests.storage.processes import at_once
from tests.storage.roles.secured import PASSWORDS, Secured, refused


def test_again_brings_rights_up_to_date_and_leaves_passwords(secured: Secured) -> None:
    secured.server.psql(secured.name, "GRANT ALL ON ALL TABLES IN SCHEMA public TO study_viewer")
    secured.server.psql(secured.name, f"GRANT TEMP ON DATABASE {secured.name} TO PUBLIC")
    assert make_roles(secured.admin, Roles(), dict.fromkeys(PASSWORDS)) == []
    with secured.connect("viewer") as connection:
        for statement in ("DELETE FROM trials", "CREATE TEMP TABLE mine (x int)"):
            refused(connection, statement)


def test_a_password_is_changed_and_never_logged(secured: Secured) -> None:
    server = secured.server
    server.psql("postgres", "ALTER SYSTEM SET log_statement = 'all'")
    server.psql("postgres", "SELECT pg_reload_conf()")
    try:
        time.sleep(0.2)  # until sessions have read it
        make_roles(secured.admin, Roles(), PASSWORDS | {"viewer": "a-new-secret"})
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            secured.connect("viewer")
        make_roles(secured.admin, Roles(), PASSWORDS)
        secured.connect("viewer").close()
    finally:
        server.psql("postgres", "ALTER SYSTEM RESET log_statement")
        server.psql("postgres", "SELECT pg_reload_conf()")
    log = (server.folder / "log").read_text()
    assert 'ALTER ROLE "study_viewer" LOGIN PASSWORD \'SCRAM-SHA-256$' in log
    assert "a-new-secret" not in log
    assert not [secret for secret in PASSWORDS.values() if secret and secret in log]


def test_a_database_made_before_the_roles_is_handed_over(server: Cluster) -> None:
    older = Secured(server, str(make_url(server.create_database()).database))
    upgrade(older.admin)
    write_every_state(older.admin)
    make_roles(older.admin, Roles(), PASSWORDS)
    assert audit(older.url("viewer")).is_sound
    with older.connect("owner") as connection:
        connection.execute("BEGIN; ALTER TABLE trials ADD COLUMN x int; ROLLBACK")
        connection.execute("BEGIN; ALTER TYPE trialstate ADD VALUE 'LATER'; ROLLBACK")


def test_the_databases_owner_makes_roles_without_being_an_administrator(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE chief LOGIN CREATEROLE PASSWORD 'n'")
    server.psql("postgres", "CREATE DATABASE of_chief OWNER chief")
    url = f"postgresql://chief:n@/of_chief?host={server.folder}"
    roles = Roles("c_owner", 'c "worker"', "c_viewer")
    for _ in range(2):
        make_roles(url, roles, PASSWORDS)
    secret = quote(str(PASSWORDS["worker"]), safe="")
    write_every_state(f"postgresql://c%20%22worker%22:{secret}@/of_chief?host={server.folder}")
    server.psql("of_chief", "SET ROLE c_owner; ALTER TABLE trials ADD COLUMN x int")


def _make(i: int, url: str) -> None:
    make_roles(url, Roles(), PASSWORDS)


def test_several_make_them_at_once(server: Cluster) -> None:
    url = server.create_database()
    at_once(4, _make, url)
    assert make_roles(url, Roles(), dict.fromkeys(PASSWORDS)) == []


def test_a_role_with_special_rights_is_refused(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE boss LOGIN CREATEDB SUPERUSER")
    url = server.create_database()
    with pytest.raises(RoleError, match=r"role boss: expected .* found rolsuper, rolcreatedb"):
        make_roles(url, Roles(worker="boss"), PASSWORDS)
    with pytest.raises(RoleError, match="expected three names, found a, a, study_viewer"):
        make_roles(url, Roles("a", "a"), PASSWORDS)
    with pytest.raises(RoleError, match="role a: expected a password in STUDY_OWNER_PASSWORD or"):
        make_roles(url, Roles("a"), dict.fromkeys(PASSWORDS))
    with pytest.raises(SchemaMissing):
        audit(url)


def test_who_may_not_make_roles_is_told_without_the_verifier(secured: Secured) -> None:
    with pytest.raises(Exception, match="permission denied") as caught:
        make_roles(secured.url("owner"), Roles("new_owner"), PASSWORDS)
    assert "SCRAM" not in str(caught.value)


def test_the_command(
    server: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = server.create_database()
    for kind, password in PASSWORDS.items():
        (tmp_path / kind).write_text(f"{password}\n")
        monkeypatch.setenv(f"STUDY_{kind.upper()}_PASSWORD_FILE", str(tmp_path / kind))
    assert main(["roles", "--storage", url]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[2] for line in shown] == [
        "role study_owner is up to date",
        "role study_worker is up to date",
        "role study_viewer is up to date",
    ]
    monkeypatch.setenv("STUDY_OWNER_PASSWORD", "another")
    assert main(["roles", "--storage", url]) == 2
    assert capsys.readouterr().err == (
        "expected STUDY_OWNER_PASSWORD or STUDY_OWNER_PASSWORD_FILE, found both; "
        "unset one of them\n"
    )


def test_sqlite_has_no_roles(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["roles", "--storage", sqlite_url]) == 2
    assert "SQLite has no roles" in capsys.readouterr().err
