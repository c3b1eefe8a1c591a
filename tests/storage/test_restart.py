"""A server that goes away and comes back, and how its connections are made."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import optuna
import psycopg
import pytest
from optuna.trial import TrialState, create_trial
from sqlalchemy import Engine, text

from storage import queries, studies
from storage.engine import open_engine, reading
from storage.errors import UnavailableError
from storage.optuna_schema import Shown, add_trial, open_optuna, optuna_translated, show_trials
from storage.runs import Runs
from storage.schema import upgrade
from tests.storage.conftest import HOLDER, JUDGE, MADE_OF, STUDY, cells, result
from tests.storage.postgres import Cluster, cluster, required_binaries


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of this module's own: the others' must not be restarted."""
    with cluster(required_binaries()) as running:
        yield running


@pytest.fixture(scope="module")
def server_url(server: Cluster) -> str:
    url = server.create_database()
    upgrade(url)
    return url


@pytest.fixture
def engine(server_url: str) -> Iterator[Engine]:
    engine = open_engine(server_url)
    studies.forget(engine, STUDY.study_id)
    studies.record(engine, STUDY)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_between_two_calls_goes_unnoticed(
    mode: str, server: Cluster, server_url: str, engine: Engine
) -> None:
    storage = open_optuna(server_url)
    study_id = optuna.create_study(storage=storage, study_name=mode)._study_id
    runs = Runs(engine, STUDY.study_id, HOLDER)

    def restart() -> None:
        server.stop(mode)
        server.start()

    [claim] = runs.claim(cells(2), 1, MADE_OF)
    restart()
    template = create_trial(state=TrialState.RUNNING, user_attrs={"run": claim.run_id})
    trial_id, number = add_trial(storage, study_id, template)
    restart()
    assert runs.attach({claim.run_id: (trial_id, number)}) == set()
    assert show_trials(storage, {trial_id: Shown({0: 0.5})}) == set()
    restart()
    assert runs.complete(claim.run_id, result())
    with optuna_translated(storage.engine):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.7])
    restart()
    assert [row.state for row in queries.trial_rows(engine, STUDY.study_id)] == ["complete"]
    assert storage.get_trial(trial_id).value == 0.7
    storage.engine.dispose()


def test_a_server_that_is_away_for_a_moment_is_waited_for(server: Cluster, engine: Engine) -> None:
    runs = Runs(engine, STUDY.study_id, HOLDER)
    runs.claim(cells(3), 1, MADE_OF)
    server.stop()
    with pytest.raises(UnavailableError) as caught, reading(engine) as session:
        session.execute(text("SELECT 1"))
    assert caught.value.transient
    comes_back = threading.Timer(0.2, server.start)
    comes_back.start()
    assert [claim.cell.hash for claim in runs.claim(cells(3), 1, MADE_OF)] == ["cell0001"]
    comes_back.join()


def test_after_a_restart_nobody_takes_what_could_not_be_renewed(
    server: Cluster, engine: Engine
) -> None:
    holder = Runs(engine, STUDY.study_id, HOLDER, lease_seconds=0.2)
    late = Runs(engine, STUDY.study_id, JUDGE, lease_seconds=0.2)
    [claim] = holder.claim(cells(1), 1, MADE_OF)
    server.stop()
    server.start()
    assert late.reap(lambda _: None) == []
    assert holder.record_histories({claim.run_id: []}) == set()


def test_connections_of_ours_and_of_optuna_are_made_alike(server_url: str) -> None:
    storage = open_optuna(server_url)
    engine = open_engine(server_url)
    for connected in (engine, storage.engine):
        with connected.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            given = driver.info.get_parameters()
            shown = [connection.scalar(text(f"SHOW {name}")) for name in SETTINGS]
        assert shown == list(SETTINGS.values())
        assert {name: given[name] for name in PARAMETERS} == PARAMETERS
        connected.dispose()


PARAMETERS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
SETTINGS = {
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
    "application_name": "loss-weight-study",
}


def test_what_the_url_says_of_connections_goes_before(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=1MB -c statement_timeout=7s")
    for given, timeout in (("", "7s"), ("&options=-c%20lock_timeout=3s", "0")):
        engine = open_engine(f"{server_url}&application_name=mine&connect_timeout=3{given}")
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW application_name")) == "mine"
            assert connection.scalar(text("SHOW lock_timeout")) == ("3s" if given else "10s")
            assert connection.scalar(text("SHOW statement_timeout")) == timeout
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            assert driver.info.get_parameters()["connect_timeout"] == "3"
        engine.dispose()


def test_a_wrong_password_is_not_waited_for(server: Cluster) -> None:
    rules = server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    server.psql("postgres", "CREATE ROLE locked LOGIN PASSWORD 'right'")
    try:
        rules.write_text(f"local all locked scram-sha-256\n{before}")
        server.psql("postgres", "SELECT pg_reload_conf()")
        for given in (":wrong", ""):
            with pytest.raises(UnavailableError, match="password") as caught:
                studies.names(
                    open_engine(server.url("postgres").replace("study@", f"locked{given}@"))
                )
            assert not caught.value.transient
            assert "wrong" not in str(caught.value)
    finally:
        rules.write_text(before)
        server.psql("postgres", "SELECT pg_reload_conf()")
