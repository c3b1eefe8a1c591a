from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from storage import queries, studies
from storage.errors import StudyMissing
from storage.runs import Runs
from tests.storage.conftest import MADE_OF, STUDY, cells


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
