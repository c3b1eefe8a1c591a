from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage import queries, studies
from storage.engine import open_engine
from storage.errors import StudyMissing
from storage.runs import Runs
from tests.storage.conftest import MADE_OF, STUDY, cells
from tests.storage.processes import at_once


def test_an_identity_comes_back_as_it_was(engine: Engine) -> None:
    assert studies.get(engine, STUDY.study_id) == STUDY
    assert queries.study_by_name(engine, "study") == STUDY
    assert studies.get(engine, 99) is None


def test_the_first_identity_stands(engine: Engine) -> None:
    assert studies.record(engine, replace(STUDY, seed=1)) == STUDY


def test_an_identity_is_replaced_and_its_trials_stay(engine: Engine, runs: Runs) -> None:
    runs.claim(cells(1), 1, MADE_OF)
    changed = replace(STUDY, data_hash="other", config={"epochs": 9})
    studies.replace(engine, changed)
    assert studies.get(engine, STUDY.study_id) == changed
    assert len(queries.trial_rows(engine, STUDY.study_id)) == 1


def test_the_first_stopping_rule_stands(engine: Engine) -> None:
    assert studies.stopping(engine, STUDY.study_id) is None
    rule = {"looks": [5, 10], "rope": 0.005, "races": True, "by": {"arm": "équal"}}
    assert studies.fix_stopping(engine, STUDY.study_id, rule) == rule
    assert studies.fix_stopping(engine, STUDY.study_id, {"looks": [3]}) == rule
    assert studies.stopping(engine, STUDY.study_id) == rule
    studies.replace(engine, replace(STUDY, data_hash="other"))
    studies.record(engine, STUDY)
    assert studies.stopping(engine, STUDY.study_id) == rule


def test_a_stopping_rule_goes_with_its_study(engine: Engine) -> None:
    studies.fix_stopping(engine, STUDY.study_id, {"looks": (1, 2)})
    assert studies.stopping(engine, STUDY.study_id) == {"looks": [1, 2]}
    studies.forget(engine, STUDY.study_id)
    with pytest.raises(StudyMissing, match="expected a study of id 7"):
        studies.fix_stopping(engine, STUDY.study_id, {"looks": [3]})
    studies.record(engine, STUDY)
    assert studies.stopping(engine, STUDY.study_id) is None


def test_processes_that_fix_a_rule_at_once_go_by_the_same(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    engine.dispose()
    at_once(6, _fix, url, tmp_path)
    told = {(tmp_path / f"rule{i}").read_text() for i in range(6)}
    assert told == {json.dumps(studies.stopping(engine, STUDY.study_id))}


def _fix(i: int, url: str, folder: Path) -> None:
    rule = studies.fix_stopping(open_engine(url), STUDY.study_id, {"by": i})
    (folder / f"rule{i}").write_text(json.dumps(rule))


def test_an_unknown_study_names_those_there_are(engine: Engine) -> None:
    with pytest.raises(StudyMissing, match="expected study 'sudy' in the storage, found 'study'"):
        queries.study_by_name(engine, "sudy")
    with pytest.raises(StudyMissing, match="found 'study'"):
        studies.replace(engine, replace(STUDY, study_id=99))
    studies.forget(engine, STUDY.study_id)
    with pytest.raises(StudyMissing, match="found none yet"):
        queries.study_by_name(engine, "study")


@pytest.mark.parametrize("new", [replace(STUDY, study_id=8), replace(STUDY, name="other")])
def test_a_record_of_a_study_that_optuna_deleted_gives_way(
    engine: Engine, runs: Runs, new: studies.StudyIdentity
) -> None:
    runs.claim(cells(1), 1, MADE_OF)
    assert studies.record(engine, new) == new
    assert studies.names(engine) == [new.name]
    assert queries.trial_rows(engine, new.study_id) == []


def test_studies_do_not_see_each_other(engine: Engine, runs: Runs) -> None:
    second = replace(STUDY, study_id=8, name="second")
    studies.record(engine, second)
    runs.claim(cells(1), 1, MADE_OF)
    assert queries.trial_rows(engine, 8) == []
    assert queries.state_counts(engine, 8) == {}
    assert studies.names(engine) == ["study", "second"]
