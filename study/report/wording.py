"""How a report writes numbers, verdicts and names. Every format writes them alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from study.logs import escaped
from study.report.findings import Contrast, Interval, Metric, Scope, View
from study.report.summary import TrialCounts

NBSP = "\N{NO-BREAK SPACE}"
"""Holds together what a line should not break: in text it is a plain space in the end."""
MISSING = "-"

VIEW_WORDS: Mapping[View, str] = {
    "confirmed": "confirmed",
    "declared": "declared",
    "equal_budget": "equal budget",
    "best_of_arm": "best of the arm",
}
SCOPE_WORDS: Mapping[Scope, str] = {
    "population": "new training sets and new subjects",
    "these_subjects": "these subjects, other seeds and splits",
}
METRIC_WORDS: Mapping[str, str] = {
    "score": "score",
    "binary_f1": "binary F1",
    "macro_f1": "macro F1",
}


def number(value: float | None, digits: int = 4) -> str:
    """A number, or a dash for what does not exist."""
    return MISSING if missing(value) else f"{value:z.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference with its sign."""
    return MISSING if missing(value) else f"{value:+z.{digits}f}"


def interval(ends: Interval | None) -> str:
    """The ends of an interval, e.g. "[-0.0121, 0.0097]"."""
    if ends is None or any(map(missing, ends)):
        return MISSING
    return f"[{number(ends[0])},{NBSP}{number(ends[1])}]"


def probability(value: float | None) -> str:
    """A probability to three digits; 0 and 1 are never claimed."""
    if missing(value):
        return MISSING
    assert value is not None
    if value < 0.001:
        return "<0.001"
    return ">0.999" if 0.999 < value < 1 else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share, e.g. "41%"."""
    return MISSING if missing(value) else f"{value:.0%}"


def short(value: float | None) -> str:
    """A weight to three digits, however small."""
    return MISSING if missing(value) else f"{value:.3g}"


def missing(value: float | None) -> bool:
    """Whether there is no number to show."""
    return value is None or not math.isfinite(value)


def within(rope: float) -> str:
    """The region of practical equivalence, e.g. "within +-0.005"."""
    return f"within{NBSP}+-{rope:g}"


def verdict_in_words(contrast: Contrast, rope: float) -> str:
    """What a contrast came to; one without a difference was not compared."""
    if missing(contrast.difference):
        return "not compared"
    words = {"undecided": f"no{NBSP}difference shown", "equivalent": f"equivalent {within(rope)}"}
    return words.get(contrast.verdict, contrast.verdict)


def pair(arm: str, against: str) -> str:
    """The two sides of a contrast, e.g. "direct against fixed"."""
    return f"{arm} against{NBSP}{against}"


def metric(value: Metric | None, difference: bool = False) -> str:
    """A metric with its interval."""
    if value is None or missing(value.estimate):
        return MISSING
    shown = signed(value.estimate) if difference else number(value.estimate)
    return f"{shown} {interval(value.ci95)}"


def counts_in_words(counts: TrialCounts) -> str:
    """The numbers above 0, e.g. "8 complete, 1 failed"."""
    shown = [
        f"{getattr(counts, field.name):,} {field.name}"
        for field in fields(counts)
        if getattr(counts, field.name)
    ]
    return ", ".join(shown) or "no trials yet"


def params_in_words(params: Mapping[str, Any]) -> str:
    """Parameters of a trial, e.g. "alpha=0.5 kl_weight=0.1"."""
    return " ".join(
        f"{name}={value if isinstance(value, str) else format(value, 'g')}"
        for name, value in params.items()
    )


def shown(text: str) -> str:
    """Text as it may stand in a page or a picture: nothing in it moves a cursor."""
    return NBSP.join(map(escaped, text.split(NBSP)))
