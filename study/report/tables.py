"""What a report is made of, whatever its format: sections of tables and sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table, its cells ready to be shown."""

    head: str
    cells: tuple[str, ...]
    words: bool = False
    """Whether it holds words, which stand at the left and may go on in the next line."""


@dataclass(frozen=True)
class Table:
    """A table. Its first column names the rows."""

    caption: str
    columns: tuple[Column, ...]

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The cells, row by row."""
        return tuple(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True)
class Section:
    """What belongs under one title."""

    key: str
    """Names its figure, if it has one."""
    title: str
    tables: tuple[Table, ...] = ()
    sentences: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    """Sentences that are shown as a list."""
    detail: bool = False
    """Whether it is for those who want every number: only a page has room for it."""

    def __bool__(self) -> bool:
        return bool(self.tables or self.sentences or self.items)


def words(head: str, cells: Iterable[str]) -> Column:
    """A column of words."""
    return Column(head, tuple(cells), words=True)


def numbers(head: str, cells: Iterable[str]) -> Column:
    """A column of numbers."""
    return Column(head, tuple(cells))
