"""Trials of each arm and the best score to expect of so many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.report.figures import INK, PALETTE, WIDTH
from study.report.findings import ArmFindings, Findings
from study.report.summary import Summary
from study.report.wording import number, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 2


def draw(summary: Summary, findings: Findings) -> Figure | None:
    """A panel for each arm: its trials as points, its curve; the curves of the others faint."""
    from matplotlib.figure import Figure

    order = [arm.arm for arm in summary.arms]
    arms = sorted(
        (arm for arm in findings.arms if arm.curve),
        key=lambda arm: order.index(arm.arm) if arm.arm in order else len(order),
    )
    if not arms:
        return None
    down = -(-len(arms) // _ACROSS)
    across = min(_ACROSS, len(arms))
    figure = Figure(figsize=(WIDTH, 0.5 + 1.45 * down), layout="constrained")
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(panels.flat):
        if place < len(arms):
            _panel(axes, place, arms)
            axes.tick_params(labelbottom=place + across >= len(arms))
        else:
            axes.set_axis_off()
    figure.supxlabel("trials", fontsize=9)
    figure.supylabel("score", fontsize=9)
    return figure


def _panel(axes: Axes, place: int, arms: Sequence[ArmFindings]) -> None:
    from matplotlib.ticker import MaxNLocator

    arm, colour = arms[place], PALETTE[place % len(PALETTE)]
    for other in arms:
        if other is not arm:
            axes.plot(*_curve(other), color=INK, alpha=0.18, linewidth=0.8)
    scores = arm_scores(arm)
    axes.plot(range(1, len(scores) + 1), scores, "o", color=colour, alpha=0.6, markersize=3)
    one = "o" if len(arm.curve) == 1 else ""
    axes.plot(*_curve(arm), color=colour, linewidth=2, marker=one, markersize=4)
    axes.set_title(shown(arm.arm))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _curve(arm: ArmFindings) -> tuple[range, tuple[float, ...]]:
    return range(1, len(arm.curve) + 1), arm.curve


def arm_scores(arm: ArmFindings) -> tuple[float, ...]:
    """Scores of its trials in their order, if they are known."""
    return arm.scores


def in_words(findings: Findings) -> str:
    """What the figure shows at its right end."""
    said = [
        f"{arm.arm} {number(arm.curve[-1])} of {len(arm.curve)}"
        for arm in findings.arms
        if arm.curve
    ]
    return f"Best score to expect of all trials of an arm: {', '.join(said)}."
