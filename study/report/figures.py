"""A verdict in pictures: contrasts, arms, weights.

matplotlib is imported where it draws. Figures are made from objects alone, without
pyplot, so they belong to nobody's window and may be made in any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from study.report.findings import Findings
from study.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 4.8
"""Inches. Letters are large beside it, so that they can be read on a phone."""
INK = "#15181d"
"""Of text and axes; a page puts its own in its place."""
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#6b4fbb", "#707070")
"""Tellable apart by the colour-blind (after Okabe and Ito, 2008); also replaced by a page's."""

_SETTINGS: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "study",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.columnspacing": 1.0,
    "legend.handletextpad": 0.4,
    "legend.handlelength": 1.6,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    ),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_one_at_a_time = Lock()
"""matplotlib's settings are those of the whole process."""


def figures(summary: Summary, findings: Findings) -> Mapping[str, Figure]:
    """The figures that there is something to draw for, by the keys of their sections.

    Keys: contrasts, budget (trials and expected best), weights.
    """
    from study.report import figure_arms, figure_contrasts, figure_weights

    with _settings():
        drawn = {
            "contrasts": figure_contrasts.draw(findings),
            "budget": figure_arms.draw(summary, findings),
            "weights": figure_weights.draw(findings),
        }
    return {key: figure for key, figure in drawn.items() if figure is not None}


def svg(figure: Figure) -> str:
    """A figure as an SVG document; the same figure gives the same text."""
    written = StringIO()
    with _settings():
        figure.savefig(written, format="svg", transparent=True, metadata=_NO_METADATA)
    return written.getvalue()


@contextmanager
def _settings() -> Iterator[None]:
    import matplotlib as mpl

    with _one_at_a_time, mpl.rc_context(dict(_SETTINGS)):
        yield
