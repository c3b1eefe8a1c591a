"""Rows as text, from their JSON form; so that what is shown is what was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
"""A row as `benchmarks.result.Row.as_json` makes it."""

HEAD = ("row", "ratio", "lowest", "highest", "must", "ours", "against")


def text(results: Sequence[Result]) -> str:
    """The table, then what belongs to each row."""
    lines = aligned([HEAD, *map(cells, results)])
    for result in results:
        lines += ["", result["name"], *(f"  {line}" for line in flat(result["details"]))]
    return "\n".join(lines) + "\n"


def cells(result: Result) -> tuple[str, ...]:
    """One line of the table."""
    if result["skipped"]:
        return (result["name"], *"----", result["what"], f"skipped: {result['skipped']}")
    numbers = (number(result[key]) for key in ("ratio", "low", "high", "must"))
    return (result["name"], *numbers, result["what"], result["baseline"])


def number(value: object) -> str:
    """Three digits; a dash for what there is not."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return "-" if value is None else str(value)
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side, the last one as long as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 0
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def flat(details: object, path: str = "") -> Iterator[str]:
    """Every value with its path: `taken.stack.wall_s: 48.2`; a list of values in one line."""
    if isinstance(details, Mapping):
        for key, value in details.items():
            yield from flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(details, list) and any(isinstance(item, Mapping) for item in details):
        for item in details:
            yield f"{path}: " + ", ".join(f"{key} {number(value)}" for key, value in item.items())
    elif isinstance(details, list | tuple):
        yield f"{path}: {', '.join(map(number, details))}"
    else:
        yield f"{path}: {number(details)}"
