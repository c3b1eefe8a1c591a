"""A verdict as one HTML page that loads nothing.

The page holds its style and its pictures; its own security policy forbids it all else.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from study.report import figure_arms, figure_contrasts, figure_weights
from study.report.figures import figures, svg
from study.report.findings import Findings
from study.report.inline_svg import inline
from study.report.sections import sections
from study.report.summary import Summary
from study.report.wording import counts_in_words, shown

if TYPE_CHECKING:
    from jinja2 import Template

_TITLES = {
    "contrasts": "Differences with their intervals against the line of no difference",
    "budget": "Trials of each arm and the best score to expect of so many",
    "weights": "Weights over the epochs, with the lowest and highest run",
}


def render(summary: Summary, findings: Findings) -> str:
    """The page."""
    return _template().render(
        study=summary.study,
        data=summary.data,
        headline=findings.headline,
        counts=counts_in_words(summary.trials),
        sections=sections(summary, findings),
        pictures=_pictures(summary, findings),
        captions=_TITLES,
    )


def _pictures(summary: Summary, findings: Findings) -> dict[str, str]:
    """Figures by the keys of their sections."""
    described = {
        "contrasts": figure_contrasts.in_words(findings),
        "budget": figure_arms.in_words(findings),
        "weights": figure_weights.in_words(findings),
    }
    return {
        key: inline(svg(figure), f"figure-{key}", _TITLES[key], shown(described[key]))
        for key, figure in figures(summary, findings).items()
    }


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _typographic
    return environment.get_template("report.html")


def _typographic(text: str) -> str:
    return re.sub(r"\+-(?=\d)", "\N{PLUS-MINUS SIGN}", shown(text))
