"""Tables of what was done to studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos import record
from tests.chaos.record import Cost, record_cost
from tests.chaos.soundness import Counts

FOUND = Counts(trials=20, finished=20, failed=1, attempts=25, lost=0, doubled=0)


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "report.json"
    monkeypatch.setenv(record.VARIABLE, str(path))
    return path


def test_what_tests_note_becomes_the_tables_of_the_page(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.record("kill -9", "SQLite", {"worker": 3, "coordinator": 2}, FOUND)
    record.record("disk full", "SQLite", {}, FOUND)
    record_cost("SQLite", {"10 trials": Cost(14.0, 28.5)}, report_seconds=1.234)
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- faults -->\nold\n<!-- /faults -->\nb\n<!-- cost --><!-- /cost -->\nc\n"
    )
    monkeypatch.setattr(record, "PAGE", page)
    record.main([str(report)])
    said = page.read_text()
    assert "| kill -9 | SQLite | 3 x worker, 2 x coordinator | 20 | 25 | 1 | 0 | 0 |" in said
    assert "| disk full | SQLite | - | 20 |" in said
    assert "| all |  | 5 | 40 | 50 | 2 | 0 | 0 |" in said
    assert "| SQLite | 10 trials | 14.0 | 28.5 | -14.5 |" in said
    assert "SQLite 1.23 s." in said
    assert "old" not in said
    assert [said[0], said[-2]] == ["a", "c"]


def test_what_is_noted_again_takes_the_place_of_what_was(report: Path) -> None:
    for _ in range(2):
        record.record("kill -9", "SQLite", {}, FOUND)
    assert len(json.loads(report.read_text())["faults"]) == 1


def test_nothing_is_noted_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(record.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    record.record("kill -9", "SQLite", {}, FOUND)
    assert list(tmp_path.iterdir()) == []


def test_the_page_has_a_place_for_both_tables() -> None:
    page = record.PAGE.read_text()
    for name in ("faults", "cost"):
        assert "here it is" in record.page_with(page, name, "here it is")
    with pytest.raises(ValueError, match="<!-- other -->"):
        record.page_with(page, "other", "")
