"""Results as Markdown: `python -m benchmarks.report results.json [--into PAGE]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import DONE, MISTAKE, Mistake
from benchmarks.pages import fill, results_of
from benchmarks.table import HEAD, Result, cells, flat, number

MARK = "results"
_OF_ROW = ("load_before", "load_after", "seconds")
"""What belongs to a row of all that is said of its machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report", description="Results as Markdown.", allow_abbrev=False
    )
    parser.add_argument("results", nargs="+", type=Path, help="files of python -m benchmarks")
    parser.add_argument(
        "--into",
        nargs="+",
        type=Path,
        default=[],
        metavar="PAGE",
        help=f"put them between the marks <!-- {MARK} --> and <!-- /{MARK} --> of these pages",
    )
    parser.add_argument("--short", action="store_true", help="the table alone, without details")
    arguments = parser.parse_args(argv)
    try:
        results = results_of(arguments.results)
        shown = ratios(results) if arguments.short else markdown(results)
        for page in arguments.into:
            fill(page, MARK, shown)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    if not arguments.into:
        print(shown)
    return DONE


def markdown(results: Sequence[Result]) -> str:
    """The table, the machines, and what belongs to each row."""
    parts = [ratios(results)]
    for title, rows in by_machine(results):
        parts += [f"### {title}", bullets(flat(of_run(rows[0])))]
        for row in rows:
            load = {key: row["machine"][key] for key in _OF_ROW if key in row["machine"]}
            parts += [f"#### {row['name']}", row["what"] + against(row)]
            parts += list(blocks({**row["details"], **load}))
    return "\n\n".join(part for part in parts if part)


def ratios(results: Sequence[Result]) -> str:
    """The table of all rows that are ratios or could not be measured."""
    return grid(HEAD, [cells(r) for r in results if r["ratio"] is not None or r["skipped"]])


def by_machine(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Rows that were measured, machine by machine and run by run."""
    runs: dict[str, list[Result]] = {}
    for row in results:
        if row["skipped"] is None:
            runs.setdefault(json.dumps(of_run(row)), []).append(row)
    for rows in runs.values():
        about = rows[0]["machine"]
        on = (about.get(key) for key in ("gpu", "device", "cpu"))
        yield ", ".join(filter(None, (next(filter(None, on), ""), about.get("date")))), rows


def of_run(row: Result) -> dict[str, Any]:
    """What is said of the machine and is the same for all rows of a run."""
    return {key: value for key, value in row["machine"].items() if key not in _OF_ROW}


def against(row: Result) -> str:
    """The other side of a comparison."""
    return f"; against: {row['baseline']}" if row["ratio"] is not None else ""


def blocks(details: Mapping[str, Any]) -> Iterator[str]:
    """Tables of tables, then single values."""
    for name, value in details.items():
        table = columns(value)
        if table is not None:
            yield f"{name}:\n\n{grid(*table)}"
    yield bullets(flat({k: v for k, v in details.items() if columns(v) is None}))


def columns(value: object) -> tuple[list[str], list[list[str]]] | None:
    """Head and lines of a mapping or list of mappings without further depth; else None."""
    named = isinstance(value, Mapping)
    rows = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(rows, list) or not rows or not all(isinstance(r, Mapping) for r in rows):
        return None
    if any(isinstance(cell, Mapping | list) for row in rows for cell in row.values()):
        return None
    head = list(dict.fromkeys(key for row in rows for key in row))
    lines = [[number(row.get(key)) for key in head] for row in rows]
    if isinstance(value, Mapping):
        lines = [[str(name), *line] for name, line in zip(value, lines, strict=True)]
    return ["", *head] if named else head, lines


def grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)


def bullets(lines: Iterator[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
