"""The stored results, the page that shows them, and the command that makes both."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.verdict import command, report
from benchmarks.verdict.musts import faults

PAGE = Path(__file__).parents[3] / "docs" / "verdict.md"


@pytest.fixture
def stored() -> dict[str, Any]:
    return report.read(report.RESULTS)


def test_stored_results_reach_what_they_must(stored: dict[str, Any]) -> None:
    assert stored["studies"] >= 2000
    assert sum(of["judged"] for of in stored["generators"]) >= 6
    assert faults(stored["generators"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fixed.1.false", 0.061),
        ("fixed.5.false_one", 0.061),
        ("fixed.5.coverage", 0.929),
        ("fixed.5.coverage_these", 0.929),
        ("fixed.10.edge", 0.06),
        ("fixed.1.wide", 0.06),
        ("fixed.5.power_one", 0.78),
        ("fixed.5.power_all", 0.78),
        ("race.none.false", 0.061),
        ("race.one.false", 0.061),
        ("race.twice.coverage", 0.929),
        ("race.wide_edge.equivalent", 0.06),
    ],
)
def test_a_figure_that_misses_is_named(name: str, value: float, stored: dict[str, Any]) -> None:
    generators = copy.deepcopy(stored["generators"])
    generators[0]["figures"][name] = [value, 0.001]
    (fault,) = faults(generators)
    assert fault.startswith(f"correlation 0: {name}: must be at ")


def test_the_page_shows_the_stored_results(stored: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = f"<!-- {report.MARK} -->\n{report.markdown(stored)}\n<!-- /{report.MARK} -->"
    assert shown in page, "run python -m benchmarks.verdict.report --into docs/verdict.md"
    assert f"--studies {stored['studies']} " in page


def test_the_command_writes_what_the_page_is_made_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "results.json", tmp_path / "page.md"
    flags = ["--studies", "3", "--jobs", "1", "--format", "json", "--output", str(file)]
    code = command.main(flags)
    said = capsys.readouterr().err
    made = json.loads(file.read_text())
    assert code == (1 if faults(made["generators"]) else 0)
    assert "3 studies of each kind" in said
    page.write_text(f"a\n<!-- {report.MARK} --><!-- /{report.MARK} -->\nb\n")
    assert report.main([str(file), "--into", str(page)]) == 0
    filled = page.read_text()
    assert filled.startswith(f"a\n<!-- {report.MARK} -->\n3 studies of each kind, seed 0.")
    lines = [line for line in filled.splitlines() if line.startswith("| correlation 0 |")]
    assert len(lines) == 3 + 3
    assert not re.search(r"nan|None", filled)


def test_mistakes_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "no" / "f.json")
    assert command.main(["--studies", "1", "--jobs", "0", "--output", nowhere]) == 2
    said = capsys.readouterr().err
    assert "--studies: expected a whole number of at least 2, found 1" in said
    assert "--jobs: expected a whole number of at least 1, found 0" in said
    assert "cannot be written" in said


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"studies": 1}'])
def test_files_that_hold_no_results_are_told(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    if content is not None:
        file.write_text(content)
    assert report.main([str(file)]) == 2
    expected = "No such file" if content is None else "expected what `python -m benchmarks.verdict"
    assert expected in capsys.readouterr().err
