"""Errors of a real PostgreSQL: what passes is tried again, what does not is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Barrier, Thread

import pytest
from optuna.storages import RDBStorage
from optuna.storages._rdb.storage import _create_scoped_session
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, PendingRollbackError

from storage import studies
from storage.engine import open_engine, reading, retried, writing
from storage.errors import UnavailableError
from storage.optuna_schema import open_optuna, optuna_translated
from tests.storage.conftest import STUDY
from tests.storage.postgres import USER, Cluster


def fail(engine: Engine, statement: str) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught, writing(engine) as session:
        session.execute(text(statement))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def server_url(postgres: Cluster, postgres_shared: str) -> str:
    postgres.psql(postgres_shared, "DELETE FROM study_record")
    return postgres.url(postgres_shared)


@pytest.fixture
def server_engine(server_url: str) -> Iterator[Engine]:
    engine = open_engine(server_url)
    yield engine
    engine.dispose()


def test_a_database_or_role_that_is_not_there_is_not_waited_for(postgres: Cluster) -> None:
    for url in (postgres.url("nosuch"), postgres.url("postgres").replace(f"{USER}@", "nosuch@")):
        error = fail(open_engine(url), "SELECT 1")
        assert not error.transient
        assert "does not exist" in str(error)


def test_connections_beyond_a_limit_pass(postgres: Cluster) -> None:
    postgres.psql("postgres", "CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    error = fail(open_engine(postgres.url("postgres").replace(f"{USER}@", "crowd@")), "SELECT 1")
    assert error.transient
    assert "too many connections" in str(error)


def test_a_malformed_setting_is_one_message(postgres: Cluster) -> None:
    error = fail(open_engine(postgres.url("postgres") + "&nosuch=1"), "SELECT 1")
    assert not error.transient


def test_a_role_without_rights_is_told_so_at_once(
    postgres: Cluster, server_url: str, server_engine: Engine
) -> None:
    postgres.psql("postgres", "CREATE ROLE stranger LOGIN")
    engine = open_engine(server_url.replace(f"{USER}@", "stranger@"))
    assert "role 'stranger' lacks a right: permission denied" in str(
        fail(engine, "DELETE FROM study_record")
    )
    engine.dispose()


@pytest.mark.parametrize(
    ("setting", "statement"),
    [
        ("statement_timeout=50ms", "SELECT pg_sleep(9)"),
        ("lock_timeout=50ms", "LOCK TABLE study_record"),
    ],
)
def test_what_took_too_long_passes(
    setting: str, statement: str, server_url: str, server_engine: Engine
) -> None:
    engine = open_engine(f"{server_url}&options=-c%20{setting}")
    with writing(server_engine) as session:
        session.execute(text("LOCK TABLE study_record"))
        assert fail(engine, statement).transient
    engine.dispose()


def test_a_connection_that_is_cut_in_the_middle_passes(server_engine: Engine) -> None:
    cut = "SELECT pg_terminate_backend(pg_backend_pid())"
    assert fail(server_engine, cut).transient
    studies.record(server_engine, STUDY)


def test_a_server_that_only_may_be_read_says_so(server_url: str) -> None:
    engine = open_engine(f"{server_url}&options=-c%20default_transaction_read_only=on")
    error = fail(engine, "DELETE FROM study_record")
    assert not error.transient
    assert "may only read" in str(error)
    engine.dispose()


def test_those_who_wait_for_each_other_all_come_through(server_engine: Engine) -> None:
    """One of the two is rolled back for the deadlock, and tries again."""
    for number in (1, 2):
        studies.record(server_engine, replace(STUDY, study_id=number, name=f"s{number}", seed=0))
    both, tries = Barrier(2), []

    @retried
    def work(first: int, second: int) -> None:
        tries.append(first)
        with writing(server_engine) as session:
            session.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            for number in (first, second):
                session.execute(
                    text(f"UPDATE study_record SET seed = seed + 1 WHERE study_id = {number}")
                )
                if number == first and len(tries) <= 2:
                    both.wait(timeout=5)

    run_both(work, (1, 2), (2, 1))
    assert len(tries) == 3
    assert seeds(server_engine) == [2, 2]


def test_those_whose_transactions_cannot_be_serialised_all_come_through(
    server_engine: Engine,
) -> None:
    studies.record(server_engine, STUDY)
    both, tries = Barrier(2), []

    @retried
    def work() -> None:
        tries.append(1)
        with writing(server_engine) as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            seed = session.scalar(text("SELECT seed FROM study_record"))
            if len(tries) <= 2:
                both.wait(timeout=5)
            session.execute(text(f"UPDATE study_record SET seed = {seed} + 1"))

    run_both(work, (), ())
    assert len(tries) == 3
    assert seeds(server_engine) == [STUDY.seed + 2]


def run_both(work: object, *arguments: tuple[int, ...]) -> None:
    threads = [Thread(target=work, args=given) for given in arguments]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)


def seeds(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(text("SELECT seed FROM study_record ORDER BY study_id")))


def test_what_comes_through_optuna_is_told_the_same_way(server_url: str) -> None:
    storage = open_optuna(server_url)
    slow = open_optuna(f"{server_url}&options=-c%20lock_timeout=50ms")
    with storage.engine.begin() as connection:
        connection.execute(text("LOCK TABLE studies"))
        with pytest.raises(UnavailableError, match="lock timeout") as caught:
            names(slow)
    assert caught.value.transient
    assert names(slow) == []
    cut = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(UnavailableError) as lost, optuna_translated(storage.engine):
        storage.scoped_session().execute(cut)
    assert lost.value.transient
    for opened in (storage, slow):
        opened.engine.dispose()


def names(storage: RDBStorage) -> list[str]:
    with optuna_translated(storage.engine):
        return [study.study_name for study in storage.get_all_studies()]


def test_a_session_that_goes_on_after_its_connection_was_cut_passes(server_url: str) -> None:
    """Optuna's do: a query that failed is taken for too long a one and put in another way."""
    storage = open_optuna(server_url)
    with pytest.raises(UnavailableError) as lost:
        cut_and_go_on(storage)
    assert lost.value.__cause__ is not None
    assert isinstance(lost.value.__cause__.__cause__, PendingRollbackError)
    assert lost.value.transient
    assert names(storage) == []
    storage.engine.dispose()


def cut_and_go_on(storage: RDBStorage) -> None:
    opened = optuna_translated(storage.engine)
    with opened, _create_scoped_session(storage.scoped_session) as session:
        with suppress(OperationalError):
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        session.execute(text("SELECT 1"))
