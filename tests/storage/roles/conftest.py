from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from storage.roles import Roles, make_roles
from tests.storage.every_state import write_every_state
from tests.storage.postgres import USER, Cluster
from tests.storage.roles.secured import PASSWORDS, Secured


@pytest.fixture(scope="package")
def server(postgres: Cluster) -> Iterator[Cluster]:
    """The server, asking everybody but the administrator for a password."""
    access = postgres.folder / "data" / "pg_hba.conf"
    before = access.read_text()
    access.write_text(f"local all {USER},postgres trust\nlocal all all scram-sha-256\n")
    postgres.psql("postgres", "SELECT pg_reload_conf()")
    postgres.psql("postgres", "CREATE ROLE postgres LOGIN SUPERUSER")
    postgres.psql("postgres", "CREATE ROLE nobody LOGIN PASSWORD 'n'")
    yield postgres
    access.write_text(before)
    postgres.psql("postgres", "SELECT pg_reload_conf()")


@pytest.fixture(scope="package")
def secured(server: Cluster) -> Secured:
    """Roles made on an empty database, then a study written by the worker."""
    made = Secured(server, str(make_url(server.create_database()).database))
    assert make_roles(made.admin, Roles(), PASSWORDS) == [
        "study_owner",
        "study_worker",
        "study_viewer",
    ]
    server.psql(made.name, "CREATE TABLE of_somebody_else (x int)")
    server.psql(made.name, "CREATE SCHEMA elsewhere")
    write_every_state(made.url("worker"))
    return made
