"""A summary as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from study.report.attempts import Failure, last_words
from study.report.summary import ArmSummary, Summary
from study.report.text import counts_in_words, number, params_in_words

_COLUMNS = (
    "arm",
    "trials",
    "mean",
    "SD",
    "fold SD",
    "best",
    "best parameters",
    "unmoved",
    "collapsed",
    "pruned",
    "failed",
    "retried",
    "device-s",
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&~$])")


def render(summary: Summary) -> str:
    """Headline, table of arms, failures."""
    blocks = [
        f"## Study {_escaped(summary.study)} on {_escaped(summary.data)}",
        f"{_escaped(summary.headline)} ({counts_in_words(summary.trials)})",
        "\n".join([_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *map(_arm, summary.arms)]),
        "\n".join(map(_failure, summary.failures)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _arm(arm: ArmSummary) -> str:
    scores = map(number, (arm.mean, arm.sd, arm.fold_sd, arm.best))
    params = _escaped(params_in_words(arm.best_params)) if arm.best_params else "-"
    counts = (arm.unmoved, arm.collapsed, arm.pruned, arm.failed, arm.retried)
    seconds = number(arm.device_seconds, 1)
    return _row([_escaped(arm.arm), str(arm.trials), *scores, params, *map(str, counts), seconds])


def _failure(failure: Failure) -> str:
    reason = last_words(failure.last_reason)
    said = f"; last: {_escaped(reason)}" if reason else ""
    return f"- failed, {_escaped(failure.cause)}: {failure.count} ({failure.final} for good){said}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
