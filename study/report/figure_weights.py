"""Weights of each term over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from study.report.figures import PALETTE, WIDTH
from study.report.findings import Course, Findings
from study.report.wording import short, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 2
_TITLE = 26
_LINES = ("-", "--", "-.", ":")


def draw(findings: Findings) -> Figure | None:
    """A panel for each cell, a line for each term, its band from the lowest run to the highest."""
    from matplotlib.figure import Figure

    courses = [course for course in findings.courses if course.mean]
    if not courses:
        return None
    cells = list(dict.fromkeys((course.arm, course.cell) for course in courses))
    terms = list(dict.fromkeys(course.term for course in courses))
    down = -(-len(cells) // _ACROSS)
    across = min(_ACROSS, len(cells))
    figure = Figure(figsize=(WIDTH, 0.8 + 1.7 * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    for place, axes in enumerate(panels.flat):
        if place < len(cells):
            arm, cell = cells[place]
            of_cell = [c for c in courses if (c.arm, c.cell) == (arm, cell)]
            _panel(axes, of_cell, terms)
            axes.set_title("\n".join([shown(arm), *wrap(shown(cell), _TITLE)]), fontsize=8)
        else:
            axes.set_axis_off()
    if all(min(course.low, default=0.0) > 0 for course in courses):
        _logarithmic(panels.flat[0])
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("weight", fontsize=9)
    handles = {
        label: line
        for axes in panels.flat
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=len(handles))
    return figure


def _panel(axes: Axes, courses: Sequence[Course], terms: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for course in courses:
        place = terms.index(course.term)
        colour = PALETTE[place % len(PALETTE)]
        epochs = range(1, len(course.mean) + 1)
        axes.fill_between(epochs, course.low, course.high, color=colour, alpha=0.2, linewidth=0)
        style = _LINES[place % len(_LINES)]
        axes.plot(epochs, course.mean, style, color=colour, label=shown(course.term))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _logarithmic(axes: Axes) -> None:
    """Weights differ by factors: show them so, in plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def in_words(findings: Findings) -> str:
    """From where to where each weight went."""
    said = [
        f"{course.arm} {course.term} {short(course.mean[0])} to {short(course.mean[-1])}"
        for course in findings.courses
        if course.mean
    ]
    return f"Weights from the first epoch to the last: {', '.join(said)}."
