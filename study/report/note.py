"""The report as the note that optuna-dashboard shows with a study.

It is written as optuna-dashboard writes notes, into system attributes of the
study, without importing that package: it loads scikit-learn, which takes longer
than all the rest of a short run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.optuna_schema import open_optuna, optuna_translated
from study.report import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from study.report.findings import Findings
    from study.report.summary import Summary

VERSION = "dashboard:note_ver"
"""Attribute that counts how often the note was written."""
PART = "dashboard:note_str:"
"""Attributes of this name and a number from 0 hold the text; those of an older, longer one
that are not needed are empty."""
LONGEST = 2045
"""Characters of a part."""


def refresh_note(url: str, summary: Summary, findings: Findings) -> bool:
    """Put the current table into the study's note; False if it was there already.

    Raises:
        StorageError: the database cannot be used.
    """
    body = markdown.render(summary, findings)
    storage = open_optuna(url)
    try:
        with optuna_translated(storage.engine):
            study_id = storage.get_study_id_from_name(summary.study)
            before = storage.get_study_system_attrs(study_id)
            if note(before) == body:
                return False
            for name, value in written(body, before).items():
                storage.set_study_system_attr(study_id, name, value)
    finally:
        storage.engine.dispose()
    return True


def note(attributes: Mapping[str, object]) -> str:
    """The note in a study's system attributes."""
    parts = sum(name.startswith(PART) for name in attributes)
    return "".join(str(attributes[f"{PART}{i}"]) for i in range(parts))


def written(body: str, before: Mapping[str, object]) -> dict[str, int | str]:
    """Attributes that replace the note in `before` by another."""
    parts = [body[start : start + LONGEST] for start in range(0, len(body), LONGEST)]
    parts += [""] * (sum(name.startswith(PART) for name in before) - len(parts))
    version = before.get(VERSION, 0)
    assert isinstance(version, int)
    return {VERSION: version + 1, **{f"{PART}{i}": part for i, part in enumerate(parts)}}
