"""A summary as plain text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from textwrap import fill
from typing import Any

from study.logs import escaped
from study.report.attempts import in_words
from study.report.summary import ArmSummary, Summary, TrialCounts

WIDTH = 80

_SCORES = f"{'trials':>7}{'mean':>8}{'SD':>8}{'fold SD':>9}{'best':>8}{'device-s':>10}"
_COUNTS = f"{'unmoved':>9}{'collapsed':>11}{'pruned':>8}{'failed':>8}{'retried':>9}"


def render(summary: Summary) -> str:
    """Tables of scores and of flags, best parameters, where weights went, failures, headline."""
    blocks = [
        f"study {summary.study!r} on {summary.data}: {counts_in_words(summary.trials)}",
        _table(_SCORES, {arm.arm: _scores(arm) for arm in summary.arms}),
        _table(_COUNTS, {arm.arm: _counts(arm) for arm in summary.arms}),
        "\n".join(_best(arm) for arm in summary.arms if arm.best_params is not None),
        "\n".join(in_words(failure, WIDTH) for failure in summary.failures),
        fill(summary.headline, WIDTH),
    ]
    text = "\n\n".join(block for block in blocks if block)
    return "\n".join(map(escaped, text.split("\n"))) + "\n"


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


def number(value: float | None, digits: int = 4) -> str:
    """A number, or a dash for what does not exist."""
    return "-" if value is None else f"{value:.{digits}f}"


def _table(head: str, rows: Mapping[str, str]) -> str:
    width = max(len(name) for name in ("direct_anchored", *rows))
    return "\n".join(f"{name:{width}}{row}" for name, row in {"": head, **rows}.items())


def _scores(arm: ArmSummary) -> str:
    return (
        f"{arm.trials:>7}{number(arm.mean):>8}{number(arm.sd):>8}"
        f"{number(arm.fold_sd):>9}{number(arm.best):>8}{number(arm.device_seconds, 1):>10}"
    )


def _counts(arm: ArmSummary) -> str:
    return f"{arm.unmoved:>9}{arm.collapsed:>11}{arm.pruned:>8}{arm.failed:>8}{arm.retried:>9}"


def _best(arm: ArmSummary) -> str:
    params = params_in_words(arm.best_params or {}) or "no parameters"
    lines = [f"best {arm.arm}: {params}"]
    if arm.best_weights:
        steps = (f"{term} {a:.2f} to {b:.2f}" for term, (a, b) in arm.best_weights.items())
        lines.append(f"  weights: {', '.join(steps)}")
    return "\n".join(
        fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines
    )
