"""The stored results and the page that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.real_verdict import judged, report, runner

PAGE = Path(__file__).parents[3] / "docs" / "verdict-real.md"


@pytest.fixture
def stored() -> dict[str, Any]:
    return runner.read(report.RESULTS)


def test_stored_results_reach_what_they_must(stored: dict[str, Any]) -> None:
    assert stored["settings"]["preset"] == "quick"
    assert len(judged.named(stored, "aa")) >= 24
    assert judged.MUST_LOSE in judged.named(stored, "known")
    assert judged.faults(stored) == []


def test_the_page_shows_the_stored_results(stored: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = f"<!-- {report.MARK} -->\n{report.markdown(stored)}\n<!-- /{report.MARK} -->"
    again = "run python -m benchmarks.real_verdict.report --into docs/verdict-real.md"
    assert shown in page, again


def test_a_page_is_filled_with_what_there_is(
    stored: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "f.json", tmp_path / "page.md"
    known = {name: of for name, of in stored["comparisons"].items() if name.startswith("known/")}
    runner.write(file, stored | {"comparisons": known})
    page.write_text(f"a\n<!-- {report.MARK} --><!-- /{report.MARK} -->\nb\n")
    assert report.main([str(file), "--into", str(page)]) == 0
    filled = page.read_text()
    assert "| known/heads_off |" in filled
    assert "A/A" not in filled
    assert report.main([str(tmp_path / "none.json")]) == 2
    assert "No such file" in capsys.readouterr().err
