"""Results as files, and pages whose figures are put in by a command, never typed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.command import DONE, MISTAKE, Mistake
from benchmarks.result import Row


def results_of(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of all files; of a row that one file skips and another has, the latter.

    Raises:
        Mistake: a file that is not there or does not hold results.
    """
    rows = [row for file in files for row in _read(file)]
    made = {row["name"] for row in rows if row["skipped"] is None}
    return [row for row in rows if row["skipped"] is None or row["name"] not in made]


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        command = "python -m benchmarks --format json --output"
        raise Mistake(f"{file}: expected what `{command}` writes")
    return rows


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and row.keys() >= {field.name for field in fields(Row)}


def fill(page: Path, mark: str, content: str) -> None:
    """Put content between `<!-- mark -->` and `<!-- /mark -->`, in place of what is there.

    Raises:
        Mistake: a page that is not there or has no such marks.
    """
    try:
        before = page.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{page}: {error.strerror}") from None
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not between.search(before):
        raise Mistake(f"{page}: expected the marks {begin} and {end}")
    after = between.sub(lambda _: f"{begin}\n{content.strip()}\n{end}", before)
    page.write_text(after, encoding="utf-8")


def show_results(
    package: str,
    results: Path,
    mark: str,
    shown_of: Callable[[Path], str],
    argv: Sequence[str] | None = None,
) -> int:
    """Be the command `python -m PACKAGE.report [RESULTS] [--into PAGE]`; returns its exit code.

    Args:
        package: whose results they are.
        results: where they lie unless the command says otherwise.
        mark: between whose comments they go in a page.
        shown_of: results as Markdown; raises Mistake.
        argv: arguments; by default the process's.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {package}.report",
        description=f"Results of python -m {package} as Markdown.",
        allow_abbrev=False,
    )
    parser.add_argument("results", nargs="?", type=Path, default=results, help=f"({results.name})")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="PAGE",
        help=f"put them between the marks <!-- {mark} --> and <!-- /{mark} --> of this page",
    )
    arguments = parser.parse_args(argv)
    try:
        shown = shown_of(arguments.results)
        if arguments.into is not None:
            fill(arguments.into, mark, shown)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    if arguments.into is None:
        print(shown)
    return DONE
