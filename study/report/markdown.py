"""A verdict as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from study.report.findings import Findings
from study.report.sections import sections
from study.report.summary import Summary
from study.report.tables import Section, Table
from study.report.wording import counts_in_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&~$])")


def render(summary: Summary, findings: Findings) -> str:
    """Headline, then section by section."""
    blocks = [
        f"## Study {_escaped(summary.study)} on {_escaped(summary.data)}",
        f"{_escaped(findings.headline)} ({counts_in_words(summary.trials)})",
    ]
    for section in sections(summary, findings):
        if not section.detail:
            blocks += _section(section)
    return "\n\n".join(blocks) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {_escaped(section.title)}"
    for table in section.tables:
        yield f"{_escaped(table.caption)}:"
        yield "\n".join(_table(table))
    if section.sentences:
        yield _escaped(" ".join(section.sentences))
    if section.items:
        yield "\n".join(f"- {_escaped(item)}" for item in section.items)


def _table(table: Table) -> Iterator[str]:
    yield _row(column.head for column in table.columns)
    yield f"| {' | '.join('---' if column.words else '---:' for column in table.columns)} |"
    yield from map(_row, table.rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
