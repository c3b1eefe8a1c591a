"""Results on pages: Markdown and pictures made from the JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import plots, report
from benchmarks.result import Ratio, Row
from benchmarks.svg import HEIGHT, WIDTH, Chart, ticks

POINTS = {
    "kind": "cpu",
    "device": "CPU, one thread",
    "x": "replicas",
    "y": "ms",
    "points": [{"replicas": 1, "ms": 20.0}, {"replicas": 50, "ms": 8.0}],
}
MACHINE = {"cpu": "Fast 1", "gpu": None, "date": "2026-01-02T03:04:05", "load_before": [0.1]}


def file_of(path: Path, *rows: Row, machine: dict[str, Any] = MACHINE) -> str:
    path.write_text(json.dumps([row.as_json(machine) for row in rows]))
    return str(path)


@pytest.fixture
def results(tmp_path: Path) -> str:
    details = {"taken": {"stack": {"wall_s": 1.25}, "plain": {"wall_s": 5.0}}, "steps": 1234567}
    return file_of(
        tmp_path / "cpu.json",
        Row("score", "ours", "a | b", must=4, ratio=Ratio(4.0, 3.5, 4.25, 5), details=details),
        Row("gpu-share", "share", "rate", skipped="no CUDA device here"),
        Row("growth-replicas", "ms", "none", details=POINTS),
    )


def test_report_shows_ratios_machine_and_details(
    results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([results]) == 0
    shown = capsys.readouterr().out
    assert "| score | 4 | 3.5 | 4.25 | 4 | ours | a \\| b |" in shown
    assert "skipped: no CUDA device here" in shown
    assert "### Fast 1, 2026-01-02T03:04:05" in shown
    assert "| stack | 1.25 |\n| plain | 5 |" in shown
    assert "- steps: 1234567" in shown
    assert "| replicas | ms |\n| --- | --- |\n| 1 | 20 |\n| 50 | 8 |" in shown


def test_a_row_measured_elsewhere_takes_the_place_of_the_skipped_one(
    results: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("gpu-share", "share", "rate", ratio=Ratio(0.2, 0.1, 0.3, 5))
    other = file_of(tmp_path / "gpu.json", row, machine={"device": "Big 2"})
    assert report.main([results, other]) == 0
    shown = capsys.readouterr().out
    assert "skipped" not in shown
    assert "| gpu-share | 0.2 |" in shown
    assert "### Big 2" in shown


def test_pages_are_filled_between_their_marks(results: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results -->old <!-- /results -->\nafter\n")
    for _ in range(2):
        assert report.main([results, "--short", "--into", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- results -->\n| row |")
    assert text.endswith("|\n<!-- /results -->\nafter\n")
    assert text.count("| score |") == 1
    assert "old" not in text


def test_pictures_are_drawn_and_shown(results: str, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("<!-- plots --><!-- /plots -->")
    folder = tmp_path / "docs" / "pictures"
    assert plots.main([results, str(folder), "--into", str(page)]) == 0
    assert [path.name for path in folder.iterdir()] == ["growth-replicas-cpu.svg"]
    assert "](pictures/growth-replicas-cpu.svg)" in page.read_text()
    picture = ElementTree.parse(folder / "growth-replicas-cpu.svg")
    assert len([e for e in picture.iter() if e.tag.endswith("circle")]) == 2


def test_the_coordinator_is_drawn_beside_optuna_alone() -> None:
    trials = {"10": {"ours_ms": 20.0, "optuna_ms": 15.0}, "100": {"ours_ms": 21, "optuna_ms": 16}}
    row = Row("coordinator", "ours", "Optuna", details={"trials": trials}).as_json(MACHINE)
    ((name, chart),) = plots.charts(row)
    assert name == "coordinator"
    assert chart.series == {
        "coordinator": [(10, 20.0), (100, 21)],
        "Optuna alone": [(10, 15.0), (100, 16)],
    }


def test_stacks_that_did_not_fit_are_left_out_of_a_picture() -> None:
    grown = [
        {"replicas": 25, "replica_step_ms": 0.5, "peak_gib": 4.0},
        {"replicas": 320, "failed": "out of memory", "peak_gib": None},
    ]
    row = Row("gpu-study", "ours", "limit", details={"growth": grown}).as_json(MACHINE)
    drawn = dict(plots.charts(row))
    assert [chart.series[""] for chart in drawn.values()] == [[(25, 0.5)], [(25, 4.0)]]
    skipped = Row("gpu-study", "ours", "limit", skipped="no CUDA device here").as_json(MACHINE)
    assert list(plots.charts(skipped)) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "No such file"),
        ("no JSON", "expected what `python -m benchmarks --format json --output` writes"),
        ('[{"name": 1}]', "expected what `python -m benchmarks"),
        ("3", "expected what `python -m benchmarks"),
    ],
)
def test_files_that_hold_no_results_are_told(
    content: str | None, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    if content is not None:
        file.write_text(content)
    assert report.main([str(file)]) == 2
    assert plots.main([str(file), str(tmp_path)]) == 2
    assert capsys.readouterr().err.count(expected) == 2


def test_a_page_without_marks_is_left_alone(
    results: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("text")
    assert report.main([results, "--into", str(page)]) == 2
    assert "expected the marks <!-- results --> and <!-- /results -->" in capsys.readouterr().err
    assert page.read_text() == "text"


@given(st.floats(1e-6, 1e9))
def test_ticks_reach_the_largest_value_in_a_few_steps(largest: float) -> None:
    found = ticks(largest)
    assert found[0] == 0
    assert found[-1] >= largest * (1 - 1e-9)
    assert found[-2] < largest
    assert 3 <= len(found) <= 8


@given(
    st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e4)), min_size=1, max_size=9),
    st.text(st.characters(exclude_categories=["C"])),
)
def test_charts_are_xml_and_stay_inside_the_picture(
    points: list[tuple[float, float]], name: str
) -> None:
    chart = Chart("a < b", "x", "y & z", {name: points, f"{name}2": points})
    picture = ElementTree.fromstring(chart.svg())
    for circle in (e for e in picture.iter() if e.tag.endswith("circle")):
        assert 0 <= float(circle.get("cx", -1)) <= WIDTH
        assert 0 <= float(circle.get("cy", -1)) <= HEIGHT
