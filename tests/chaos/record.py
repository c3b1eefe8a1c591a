"""What was done to studies, what came of it and what it cost: as JSON, and as tables.

Tests write to the file that CHAOS_REPORT names. The tables of docs/reliability.md are
made from it by

    python -m tests.chaos.record FILE
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.chaos.soundness import Counts
from tests.study.commands import ROOT

VARIABLE = "CHAOS_REPORT"
PAGE = ROOT / "docs" / "reliability.md"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """CPU time a trial in ms."""

    ours: float
    optuna: float
    """Of the same trials in Optuna alone."""


def record(what: str, database: str, injected: Mapping[str, int], found: Counts) -> None:
    """Note what came of a study, if the environment asks for it."""
    row = {"what": what, "database": database, "injected": dict(injected), **asdict(found)}
    _note("faults", f"{what}, {database}", row)


def record_cost(database: str, costs: Mapping[str, Cost], report_seconds: float) -> None:
    """Note what trials took, by what was measured, if the environment asks for it."""
    by_kind = {kind: asdict(cost) for kind, cost in costs.items()}
    _note("cost", database, {"database": database, "costs": by_kind, "report_s": report_seconds})


def faults_table(rows: Sequence[Row]) -> str:
    """What was done, and what came of it; sums in the last line."""
    summed = ("trials", "attempts", "failed", "lost", "doubled")
    lines = [
        [row["what"], row["database"], _listed(row["injected"]), *(row[key] for key in summed)]
        for row in rows
    ]
    injected = sum(sum(row["injected"].values()) for row in rows)
    sums = [sum(row[key] for row in rows) for key in summed]
    head = ["what happens", "database", "injected", "trials", "attempts", "failed for good"]
    return _markdown([*head, "lost", "doubled"], [*lines, ["all", "", injected, *sums]])


def cost_table(rows: Sequence[Row]) -> str:
    """CPU time a trial, ours and Optuna's."""
    lines = [
        [row["database"], kind, *(f"{ms:.1f}" for ms in (ours, optuna, ours - optuna))]
        for row in rows
        for kind, (ours, optuna) in _by_kind(row).items()
    ]
    head = ["database", "study", "ours, ms", "Optuna alone, ms", "beyond, ms"]
    reports = [f"{row['database']} {row['report_s']:.2f} s" for row in rows]
    said = f"Report of 1,000 trials, CPU time from start to exit: {', '.join(reports)}."
    return f"{_markdown(head, lines)}\n\n{said}"


def page_with(page: str, name: str, table: str) -> str:
    """The page with one of its tables replaced.

    Raises:
        ValueError: it has no place for it.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"expected {begin} and {end} in {PAGE}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.record", description="Put what tests have counted on the page."
    )
    parser.add_argument("report", type=Path, help="the file that CHAOS_REPORT named")
    sections = json.loads(parser.parse_args(argv).report.read_text())
    page = PAGE.read_text()
    for name, table in (("faults", faults_table), ("cost", cost_table)):
        rows = [sections[name][key] for key in sorted(sections[name])]
        page = page_with(page, name, table(rows))
    PAGE.write_text(page)


def _note(section: str, name: str, row: Row) -> None:
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    with FileLock(f"{path}.lock"):
        file = Path(path)
        sections = json.loads(file.read_text()) if file.exists() else {}
        sections.setdefault(section, {})[name] = row
        file.write_text(json.dumps(sections, indent=1) + "\n")


def _by_kind(row: Row) -> dict[str, tuple[float, float]]:
    return {kind: (cost["ours"], cost["optuna"]) for kind, cost in row["costs"].items()}


def _listed(injected: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in injected.items()) or "-"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


if __name__ == "__main__":
    main(sys.argv[1:])
