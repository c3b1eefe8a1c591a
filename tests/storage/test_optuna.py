"""Optuna's storage as this package opens it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import text

from storage.engine import open_engine, writing
from storage.errors import SchemaError, UnavailableError
from storage.optuna_schema import (
    Shown,
    add_trial,
    open_optuna,
    optuna_translated,
    show_trials,
    upgrade_and_open,
)
from tests.storage.postgres import USER, Cluster


def test_optuna_works_on_the_same_database(own_url: str) -> None:
    study = optuna.create_study(storage=open_optuna(own_url), study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    again = optuna.load_study(storage=open_optuna(own_url, reads_only=True), study_name="s")
    assert [trial.number for trial in again.trials] == [0, 1]


def test_a_reader_of_optuna_does_not_wait_for_a_writer(sqlite_url: str) -> None:
    optuna.create_study(storage=open_optuna(sqlite_url), study_name="s")
    reader = open_optuna(sqlite_url, reads_only=True)
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        session.execute(text("DELETE FROM study_record"))
        assert [study.study_name for study in reader.get_all_studies()] == ["s"]


def test_a_write_of_ours_waits_for_optunas_transaction(sqlite_url: str) -> None:
    storage = open_optuna(sqlite_url)
    ours = open_engine(sqlite_url, busy_seconds=0.1)
    locked = pytest.raises(UnavailableError, match="has it locked")
    with storage.engine.begin(), locked, writing(ours):
        pass


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no such database"):
        open_optuna(f"sqlite:///{tmp_path}/study.db")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def storage(own_url: str) -> Iterator[RDBStorage]:
    opened = open_optuna(own_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def study(storage: RDBStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s", direction="maximize")


def running(study: optuna.Study) -> FrozenTrial:
    template = create_trial(
        state=TrialState.RUNNING,
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0, 1)},
        user_attrs={"run": 1},
    )
    storage: RDBStorage = study._storage._backend  # type: ignore[attr-defined] # Optuna wraps it
    trial_id, number = add_trial(storage, study._study_id, template)
    trial = storage.get_trial(trial_id)
    assert trial.number == number
    return trial


def test_trials_are_numbered_as_optuna_does(study: optuna.Study) -> None:
    study.ask()
    assert [running(study).number for _ in range(2)] == [1, 2]
    assert [trial.params for trial in study.trials] == [{}, {"x": 0.5}, {"x": 0.5}]


def test_what_is_shown_at_once_is_what_optunas_setters_leave(
    study: optuna.Study, storage: RDBStorage
) -> None:
    ours, theirs, other = running(study), running(study), running(study)
    first = {0: 0.25, 1: math.nan, 7: 1e-300}
    second = {1: math.inf, 2: -math.inf, 7: 0.1}
    attributes = {"cause": None, "score_sd": 0.1, "run": 2, "names": ["\N{SNOWMAN}", "'"]}
    for values in (first, second):
        shown = {ours._trial_id: Shown(values, attributes), other._trial_id: Shown({5: 0.5})}
        assert show_trials(storage, shown) == set()
        for step, value in values.items():
            storage.set_trial_intermediate_value(theirs._trial_id, step, value)
    for name, attribute in attributes.items():
        storage.set_trial_user_attr(theirs._trial_id, name, attribute)
    found, expected, beside = study.get_trials(deepcopy=False)
    assert found.intermediate_values == pytest.approx(expected.intermediate_values, nan_ok=True)
    assert found.intermediate_values == {0: 0.25, 1: math.inf, 2: -math.inf, 7: 0.1}
    assert found.user_attrs == expected.user_attrs == attributes
    assert (beside.intermediate_values, beside.user_attrs) == ({5: 0.5}, {"run": 1})
    assert found.last_step == expected.last_step == 7


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
def test_nothing_of_an_ended_trial_is_touched(
    study: optuna.Study, storage: RDBStorage, state: TrialState
) -> None:
    ended, live = running(study), running(study)
    show_trials(storage, {ended._trial_id: Shown({0: 0.25})})
    storage.set_trial_state_values(ended._trial_id, state, [0.5])
    before = storage.get_trial(ended._trial_id)
    late = Shown({0: 0.75, 1: 0.75}, {"cause": "late"})
    shown = {ended._trial_id: late, live._trial_id: late}
    assert show_trials(storage, shown) == {ended._trial_id}
    assert storage.get_trial(ended._trial_id) == before
    assert storage.get_trial(live._trial_id).intermediate_values == {0: 0.75, 1: 0.75}


def test_of_trials_one_of_which_is_not_there_nothing_is_written(
    study: optuna.Study, storage: RDBStorage
) -> None:
    trial_id = running(study)._trial_id
    with pytest.raises(KeyError, match="no trial with id 999"):
        show_trials(storage, {trial_id: Shown({0: 0.5}), 999: Shown({0: 0.5})})
    assert storage.get_trial(trial_id).intermediate_values == {}


def test_passwords_in_what_is_shown_are_masked(study: optuna.Study, storage: RDBStorage) -> None:
    trial_id = running(study)._trial_id
    reason = "no answer from postgresql://u:secret@h/db, nor from postgresql://v:secret@h/db"
    show_trials(storage, {trial_id: Shown({}, {"reason": reason})})
    assert storage.get_trial(trial_id).user_attrs["reason"] == reason.replace("secret", "***")


def test_opening_needs_no_right_to_make_tables(postgres: Cluster, postgres_shared: str) -> None:
    postgres.psql("postgres", "CREATE ROLE looker LOGIN")
    postgres.psql(postgres_shared, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    looker = postgres.url(postgres_shared).replace(f"{USER}@", "looker@")
    storage = open_optuna(
        f"{looker}&options=-c%20default_transaction_read_only=on", reads_only=True
    )
    with optuna_translated(storage.engine):
        assert storage.get_all_studies() == []
    denied = pytest.raises(UnavailableError, match=r"lacks a right|may only read")
    with denied as caught, optuna_translated(storage.engine):
        storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    assert not caught.value.transient
    storage.engine.dispose()


def test_tables_of_an_older_optuna_wait_for_an_upgrade(own_url: str) -> None:
    engine = open_engine(own_url)
    with writing(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'v3.0.0.d'"))
    engine.dispose()
    with pytest.raises(SchemaError, match="older Optuna; run python -m storage upgrade"):
        open_optuna(own_url)


def test_how_long_to_wait_for_a_lock_is_up_to_the_caller(own_url: str) -> None:
    storage = upgrade_and_open(own_url, busy_seconds=0.05)
    engine = open_engine(own_url)
    statement = "SELECT 1" if engine.dialect.name == "sqlite" else "LOCK TABLE studies"
    locked = pytest.raises(UnavailableError, match=r"has it locked|lock timeout")
    with writing(engine) as session:
        session.execute(text(statement))
        with locked as caught, optuna_translated(storage.engine):
            storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    assert caught.value.transient
    for opened in (engine, storage.engine):
        opened.dispose()
