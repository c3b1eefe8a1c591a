"""Making studies, taking them up again, and refusing those that are not the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage import studies
from storage.engine import open_engine
from storage.optuna_schema import open_optuna
from storage.rows import CellRef, Fingerprints
from storage.runs import Runs
from storage.schema import upgrade
from study.config import StudyConfig
from study.errors import MismatchError, UsageError
from study.fingerprint import Fingerprint, fingerprint
from study.holder import this_process
from study.opening import Database, open_study
from tests.storage.processes import at_once


def test_the_same_study_is_taken_up(
    database: Database, config: StudyConfig, made_of: Fingerprint
) -> None:
    first = open_study(database, "study", config, made_of)
    again = open_study(database, "study", config, made_of)
    assert first._study_id == again._study_id
    assert studies.names(database.engine) == ["study"]


def test_all_differences_are_named(
    database: Database, config: StudyConfig, made_of: Fingerprint
) -> None:
    open_study(database, "study", config, made_of)
    changed = config.model_copy(
        update={"training": config.training.model_copy(update={"epochs": 9})}
    )
    now = replace(fingerprint(changed, "other data", "cpu"), model_hash="other code")
    with pytest.raises(MismatchError) as raised:
        open_study(database, "study", changed, now)
    assert "training.epochs was 3, is now 9" in str(raised.value)
    assert [line.split(":")[0] for line in raised.value.differences] == [
        "configuration",
        "data",
        "code",
    ]


def test_a_study_made_before_there_were_pruners_goes_on_and_stays_without(
    database: Database, config: StudyConfig, made_of: Fingerprint
) -> None:
    older = config.model_dump(mode="json", exclude={"pruning", "verdict"})
    older["grid"] = {arm: values for arm, values in older["grid"].items() if arm in config.arms}
    open_study(database, "study", config, replace(made_of, config=older))
    open_study(database, "study", config, made_of)
    settings = config.model_dump() | {
        "training": {"epochs": 4},
        "pruning": {"pruner": "within_arm"},
    }
    pruning = StudyConfig.model_validate(settings)
    with pytest.raises(MismatchError, match=r"pruning.pruner was not set, is now .within_arm"):
        open_study(database, "study", pruning, fingerprint(pruning, "data", "cpu"))


def test_changes_that_are_accepted_stand(
    database: Database,
    config: StudyConfig,
    made_of: Fingerprint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_study(database, "study", config, made_of)
    now = replace(made_of, data_hash="other data")
    open_study(database, "study", config, now, accept_changes=True)
    assert "the content is not the same" in caplog.text
    open_study(database, "study", config, now)


def test_what_need_not_match_is_warned_of(
    database: Database,
    config: StudyConfig,
    made_of: Fingerprint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_study(database, "study", config, made_of)
    elsewhere = replace(made_of, environment={**made_of.environment, "host": "elsewhere"})
    open_study(database, "study", config, elsewhere)
    assert 'is now "elsewhere"' in caplog.text


def test_arms_never_change(database: Database, config: StudyConfig, made_of: Fingerprint) -> None:
    open_study(database, "study", config, made_of)
    fewer = config.model_copy(update={"arms": ("fixed", "direct")})
    with pytest.raises(UsageError, match="expected fixed,uncertainty,direct"):
        open_study(database, "study", fewer, fingerprint(fewer, "data", "cpu"), accept_changes=True)


def test_nothing_is_left_of_a_study_deleted_in_optuna(
    database: Database, config: StudyConfig, made_of: Fingerprint
) -> None:
    old = open_study(database, "study", config, made_of)
    runs = Runs(database.engine, old._study_id, this_process())
    cell = CellRef("cell", "fixed", 0, {})
    fingerprints = Fingerprints("code", "data", "config", {})
    runs.claim([cell], 1, fingerprints)
    database.optuna.delete_study(old._study_id)
    new = open_study(database, "study", config, replace(made_of, data_hash="other data"))
    assert new._study_id == old._study_id
    assert len(runs.claim([cell], 1, fingerprints)) == 1


def test_eight_processes_make_one_study(
    tmp_path: Path, config: StudyConfig, made_of: Fingerprint
) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    at_once(8, _make, url, config, made_of)
    engine = open_engine(url)
    assert studies.names(engine) == ["study"]
    engine.dispose()


def _make(_number: int, url: str, config: StudyConfig, made_of: Fingerprint) -> None:
    upgrade(url)
    study = open_study(Database(open_engine(url), open_optuna(url)), "study", config, made_of)
    assert study.metric_names == ["score"]
