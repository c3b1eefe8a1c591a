"""The note that optuna-dashboard shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from hypothesis import example, given, settings
from hypothesis import strategies as st
from optuna_dashboard import get_note, save_note

from storage.optuna_schema import open_optuna
from study.report import markdown
from study.report.conclusion import read
from study.report.note import LONGEST, note, refresh_note, written
from tests.study.recorded import BASELINE, OTHER, database, recording


def test_note_holds_the_table_and_is_written_once(tmp_path: Path) -> None:
    url = database(tmp_path)
    trials = optuna.create_study(storage=open_optuna(url), study_name="study")
    with recording(url, study_id=trials._study_id) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
        assert refresh_note(url, *read(recorder.engine, "study"))
        assert "| fixed | 1 | 0.7500 |" in get_note(trials)
        assert not refresh_note(url, *read(recorder.engine, "study"))
        recorder.complete(OTHER, [0.8, 0.9])
        assert refresh_note(url, *read(recorder.engine, "study"))
        assert "| fixed | 2 | 0.8000 |" in get_note(trials)
        assert get_note(trials) == markdown.render(*read(recorder.engine, "study"))


@given(lengths=st.lists(st.integers(0, 3 * LONGEST), max_size=4))
@example(lengths=[3 * LONGEST, LONGEST, 0, LONGEST + 1])
@settings(deadline=None)
def test_a_note_is_what_optuna_dashboard_would_have_written(lengths: list[int]) -> None:
    theirs, ours = optuna.create_study(), optuna.create_study()
    for length in lengths:
        body = ("| *é* " * LONGEST)[:length]
        save_note(theirs, body)
        for name, value in written(body, attributes(ours)).items():
            ours._storage.set_study_system_attr(ours._study_id, name, value)
        assert attributes(ours) == attributes(theirs)
        assert note(attributes(ours)) == body


def attributes(of: optuna.Study) -> dict[str, Any]:
    return of._storage.get_study_system_attrs(of._study_id)
