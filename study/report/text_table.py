"""A table as plain text, at most 80 columns wide."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap

from study.report.tables import Column, Table
from study.report.wording import NBSP, shown

WIDTH = 80
_GAP = 2


def lines(table: Table) -> list[str]:
    """Caption, heads and rows; words that need more room go on in the next line."""
    columns = [_escaped(column) for column in table.columns]
    widths = [_natural(column) for column in columns]
    _fit(columns, widths)
    heads = [_wrapped(column.head, width) for column, width in zip(columns, widths, strict=True)]
    tallest = max(map(len, heads))
    made = _row([[""] * (tallest - len(head)) + head for head in heads], columns, widths)
    for cells in zip(*(column.cells for column in columns), strict=True):
        wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
        made += _row(wrapped, columns, widths)
    return [*_wrapped(shown(table.caption), WIDTH), *made]


def _escaped(column: Column) -> Column:
    """The column without characters that move a cursor; NBSP stays until all is in place."""
    return Column(shown(column.head), tuple(map(shown, column.cells)), column.words)


def _natural(column: Column) -> int:
    return max(1, *map(len, [*column.head.split(" "), *column.cells]))


def _total(widths: list[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _fit(columns: list[Column], widths: list[int]) -> None:
    """Narrow columns of words, the widest first, until all of it fits."""
    floors = [
        _longest_word(column) if column.words else width
        for column, width in zip(columns, widths, strict=True)
    ]
    while _total(widths) > WIDTH:
        loose = [i for i, width in enumerate(widths) if width > floors[i]]
        widest = max(loose or range(len(widths)), key=lambda i: widths[i])
        widths[widest] -= 1


def _longest_word(column: Column) -> int:
    words = (word for text in [column.head, *column.cells] for word in text.split(" "))
    return max(1, *map(len, words))


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False) or [""]


def _row(cells: list[list[str]], columns: list[Column], widths: list[int]) -> list[str]:
    made = []
    for line in zip_longest(*cells, fillvalue=""):
        aligned = [
            word.ljust(width) if column.words else word.rjust(width)
            for word, column, width in zip(line, columns, widths, strict=True)
        ]
        made.append((" " * _GAP).join(aligned).rstrip().replace(NBSP, " "))
    return made
