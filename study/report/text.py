"""A verdict as plain text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Collection
from textwrap import fill

from study.logs import escaped
from study.report import text_table
from study.report.findings import Findings
from study.report.sections import sections
from study.report.summary import Summary
from study.report.tables import Section
from study.report.text_table import WIDTH
from study.report.wording import NBSP, counts_in_words

BRIEF = frozenset({"arms", "contrasts"})
"""Sections that a run ends with."""


def render(summary: Summary, findings: Findings, keys: Collection[str] | None = None) -> str:
    """Headline, what it is about, then section by section.

    Args:
        summary: of the study.
        findings: of the study.
        keys: of the sections to show; None for all.
    """
    about = f"study {summary.study!r} on {summary.data}: {counts_in_words(summary.trials)}"
    blocks = [_filled(findings.headline), _filled(about)]
    for section in sections(summary, findings):
        if not section.detail and (keys is None or section.key in keys):
            blocks += _section(section)
    text = "\n\n".join(blocks)
    return "\n".join(map(escaped, text.split("\n"))) + "\n"


def _section(section: Section) -> list[str]:
    """Title and what stands under it; a blank line goes between."""
    tables = ["\n".join(text_table.lines(table)) for table in section.tables]
    sentences = [" ".join(section.sentences)] if section.sentences else []
    items = "\n".join(_filled(f"- {item}", "  ") for item in section.items)
    blocks = [*tables, *map(_filled, sentences), *([items] if items else [])]
    title = f"{section.title}\n{'-' * len(section.title)}"
    return [f"{title}\n{blocks[0]}", *blocks[1:]]


def _filled(text: str, indent: str = "") -> str:
    """Lines of words; what is not printable is escaped before it is measured."""
    said = escaped(" ".join(text.replace(NBSP, " ").split()))
    return fill(said, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
