from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from storage import studies
from storage.engine import open_engine, writing
from storage.errors import StudyMissing
from storage.packing import pack_subjects, unpack_subjects
from storage.rows import Truth
from storage.truth import TruthError, record_truth, truth
from tests.storage.conftest import STUDY
from tests.storage.every_state import TRUTH
from tests.storage.processes import at_once

MANY = 100_000


def test_true_labels_come_back_as_they_were(engine: Engine) -> None:
    assert truth(engine, STUDY.study_id, "d") is None
    record_truth(engine, STUDY.study_id, "d", TRUTH)
    assert truth(engine, STUDY.study_id, "d") == TRUTH
    assert truth(engine, STUDY.study_id, "other") is None
    assert truth(engine, 8, "d") is None


def test_the_first_stand_on_each_data_set(engine: Engine) -> None:
    later = replace(TRUTH, labels=bytes([1, 1]))
    record_truth(engine, STUDY.study_id, "d", TRUTH)
    record_truth(engine, STUDY.study_id, "d", later)
    record_truth(engine, STUDY.study_id, "e", later)
    assert truth(engine, STUDY.study_id, "d") == TRUTH
    assert truth(engine, STUDY.study_id, "e") == later


def test_true_labels_go_with_their_study(engine: Engine) -> None:
    record_truth(engine, STUDY.study_id, "d", TRUTH)
    studies.replace(engine, replace(STUDY, data_hash="e"))
    assert truth(engine, STUDY.study_id, "d") == TRUTH
    studies.forget(engine, STUDY.study_id)
    assert truth(engine, STUDY.study_id, "d") is None
    with pytest.raises(StudyMissing, match="expected a study of id 7"):
        record_truth(engine, STUDY.study_id, "d", TRUTH)


def test_processes_record_the_same_at_once(url: str, engine: Engine) -> None:
    engine.dispose()
    at_once(6, _record, url)
    assert truth(engine, STUDY.study_id, "d") == TRUTH


def _record(_: int, url: str) -> None:
    record_truth(open_engine(url), STUDY.study_id, "d", TRUTH)


def test_without_sequences(engine: Engine) -> None:
    empty = replace(TRUTH, sequence_ids=(), labels=b"", subjects=())
    record_truth(engine, STUDY.study_id, "d", empty)
    assert truth(engine, STUDY.study_id, "d") == empty


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"labels": b"\0"}, "each of 2 sequences, found 1 labels and 2 subjects"),
        ({"subjects": ("S1",) * 3}, "found 2 labels and 3 subjects"),
        ({"labels": bytes([0, 18])}, "expected labels below 18, .* found 18"),
        ({"fine": (), "labels": bytes([0, 0])}, "expected labels below 0, .* found 0"),
        ({"other": "none"}, "expected 'none' among the coarse classes"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TRUTH, **wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("labels = sequence_ids", "expected a label and a subject for each of 2 sequences"),
        ("sequence_ids = labels", "incorrect|incomplete"),
        ("subjects = sequence_ids", "indices must be integers"),
        ("classes = '{\"fine\": []}'", "no 'coarse'"),
        ("classes = '[]'", "indices must be integers"),
    ],
)
def test_damaged_labels_are_one_clear_message(change: str, message: str, engine: Engine) -> None:
    record_truth(engine, STUDY.study_id, "d", TRUTH)
    with writing(engine) as session:
        session.execute(text(f"UPDATE study_truth SET {change}".replace(":", r"\:")))
    with pytest.raises(TruthError, match=rf"study 7 on data d cannot be read \(.*({message}).*\)"):
        truth(engine, STUDY.study_id, "d")


def test_labels_of_100_000_sequences_are_small_and_read_fast(engine: Engine) -> None:
    whole = Truth(
        sequence_ids=tuple(f"SEQ_{i * 7919 % 999_983:06}" for i in range(MANY)),
        labels=bytes(i * 7 % 18 for i in range(MANY)),
        subjects=tuple(f"SUBJ_{i // 1000:06}" for i in range(MANY)),
        fine=TRUTH.fine,
        coarse=TRUTH.coarse,
        other=TRUTH.other,
    )
    record_truth(engine, STUDY.study_id, "d", whole)
    before = time.process_time()
    found = truth(engine, STUDY.study_id, "d")
    took = time.process_time() - before
    assert found == whole
    assert took < 0.3, f"{took:.3f} s"
    with writing(engine) as session:
        size = session.scalar(text("SELECT length(subjects) FROM study_truth"))
    assert size < 50_000, "subjects are named once each"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=20))
def test_subjects_come_back_in_their_order(subjects: list[str]) -> None:
    assert unpack_subjects(pack_subjects(subjects)) == tuple(subjects)
