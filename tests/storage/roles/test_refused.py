"""What each role is refused, asked for in SQL."""

from __future__ import annotations

import psycopg
import pytest

from tests.storage.roles.secured import Secured, refused

REFUSED_TO_BOTH = [
    "CREATE TABLE mine (x int)",
    "CREATE TEMP TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE TABLE elsewhere.mine (x int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "ALTER ROLE study_owner PASSWORD 'x'",
    "SET ROLE study_owner",
    "ALTER TABLE trial_run ADD COLUMN x int",
    "ALTER TABLE trials RENAME TO t",
    "ALTER DATABASE {database} SET work_mem = '1MB'",
    "DROP TABLE oof_prediction",
    "DROP INDEX ux_trial_run_held_cell",
    "TRUNCATE oof_prediction",
    "DELETE FROM trial_run",
    "DELETE FROM study_truth",
    "DELETE FROM fold_score",
    "DELETE FROM trials",
    "UPDATE fold_score SET score = 1",
    "UPDATE oof_prediction SET predicted = ''",
    "UPDATE study_truth SET labels = ''",
    "UPDATE study_alembic_version SET version_num = '9999'",
    "UPDATE alembic_version SET version_num = '9999'",
    "UPDATE version_info SET schema_version = 99",
    "ALTER TABLE trial_run DISABLE TRIGGER ALL",
    "CREATE TRIGGER mine BEFORE INSERT ON trials EXECUTE FUNCTION tsvector_update_trigger()",
    "SELECT * FROM pg_authid",
    "SELECT * FROM of_somebody_else",
    "COPY studies TO PROGRAM 'cat'",
    "COPY studies TO '/tmp/studies'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_reload_conf()",
]
REFUSED_TO_VIEWERS = [
    "INSERT INTO fold_score (trial_id, fold) VALUES (1, 9)",
    "INSERT INTO studies (study_name) VALUES ('mine')",
    "UPDATE trial_run SET state = 'failed'",
    "UPDATE trials SET state = 'FAIL'",
    "UPDATE study_record SET seed = 1",
    "INSERT INTO study_truth SELECT * FROM study_truth",
    "DELETE FROM study_record",
    "DELETE FROM studies",
    "SELECT * FROM trial_run FOR UPDATE",
    "SELECT nextval('trials_trial_id_seq')",
    "SELECT setval('trials_trial_id_seq', 1)",
]


@pytest.mark.parametrize("kind", ["worker", "viewer"])
def test_what_both_are_refused(kind: str, secured: Secured) -> None:
    with secured.connect(kind) as connection:
        for statement in REFUSED_TO_BOTH:
            refused(connection, statement.replace("{database}", secured.name))
            connection.execute("SELECT count(*) FROM trial_run")


def test_what_a_viewer_is_refused(secured: Secured) -> None:
    with secured.connect("viewer") as connection:
        for statement in REFUSED_TO_VIEWERS:
            refused(connection, statement)


def test_an_owner_has_the_tables_and_nothing_else(secured: Secured) -> None:
    with secured.connect("owner") as connection:
        connection.execute("BEGIN; ALTER TABLE trial_run ADD COLUMN x int; ROLLBACK")
        for statement in (
            "CREATE ROLE mine",
            "CREATE DATABASE mine",
            "CREATE SCHEMA mine",
            "CREATE TEMP TABLE mine (x int)",
            "SELECT * FROM of_somebody_else",
            "SELECT * FROM pg_authid",
            "COPY studies TO PROGRAM 'cat'",
        ):
            refused(connection, statement)


def test_others_are_not_let_in(secured: Secured) -> None:
    with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
        secured.connect("nobody", "nobody")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        secured.connect("nobody", "study_viewer")


def test_what_the_owner_makes_later_has_the_same_rights(secured: Secured) -> None:
    with secured.connect("owner") as owner:
        owner.execute("CREATE TABLE later (id serial, x int)")
    try:
        with secured.connect("worker") as worker, secured.connect("viewer") as viewer:
            worker.execute("INSERT INTO later (x) VALUES (1)")
            worker.execute("UPDATE later SET x = 2")
            assert viewer.execute("SELECT x FROM later").fetchall() == [(2,)]
            for connection, statement in (
                (worker, "TRUNCATE later"),
                (viewer, "DELETE FROM later"),
            ):
                refused(connection, statement)
    finally:
        with secured.connect("owner") as owner:
            owner.execute("DROP TABLE later")
