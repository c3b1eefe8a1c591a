"""Contrasts as intervals against the line of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.report.figures import INK, PALETTE, WIDTH
from study.report.findings import VIEWS, Contrast, Findings, View
from study.report.wording import VIEW_WORDS, interval, missing, pair, shown, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS: dict[View, str] = {
    "confirmed": "o",
    "declared": "s",
    "equal_budget": "^",
    "best_of_arm": "D",
}
_STEP = 0.17


def draw(findings: Findings) -> Figure | None:
    """The primary view's intervals strong, those of the others fainter below them."""
    from matplotlib.figure import Figure

    drawn = drawable(findings)
    if not drawn:
        return None
    pairs = list(dict.fromkeys((c.arm, c.against) for c in drawn))
    figure = Figure(figsize=(WIDTH, 1.3 + 0.62 * len(pairs)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvspan(-findings.rope, findings.rope, color=PALETTE[7], alpha=0.18, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1)
    labelled: set[View] = set()
    for row, names in enumerate(pairs):
        of_pair = [c for c in drawn if (c.arm, c.against) == names]
        _intervals(axes, row, of_pair, findings, labelled)
    axes.set_yticks(range(len(pairs)), [_label(*names, pairs) for names in pairs])
    axes.set_ylim(len(pairs) - 0.4, -0.5)
    axes.set_xlabel(f"difference in score (grey: within ±{findings.rope:g})")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _legend(figure, axes)
    return figure


def drawable(findings: Findings) -> tuple[Contrast, ...]:
    """One contrast for each pair and view that has an interval, the population's if it has."""
    found: dict[tuple[str, str, View], Contrast] = {}
    for contrast in sorted(findings.contrasts, key=lambda c: c.scope != "population"):
        if contrast.ci95 is not None and not any(map(missing, contrast.ci95)):
            found.setdefault((contrast.arm, contrast.against, contrast.view), contrast)
    return tuple(sorted(found.values(), key=lambda c: not c.primary))


def in_words(findings: Findings) -> str:
    """What the figure shows of the primary contrasts."""
    said = [
        f"{pair(c.arm, c.against)} {signed(c.difference)} {interval(c.ci95)}"
        for c in drawable(findings)
        if c.primary
    ]
    return f"Differences with 95% intervals: {'; '.join(said) or 'see the table'}."


def _label(arm: str, against: str, pairs: Sequence[tuple[str, str]]) -> str:
    alone = len({other for _, other in pairs}) == 1
    return shown(arm if alone else f"{arm}\nagainst {against}")


def _intervals(
    axes: Axes, row: int, contrasts: Sequence[Contrast], findings: Findings, labelled: set[View]
) -> None:
    order = sorted(contrasts, key=lambda c: (c.view != findings.primary_view, VIEWS.index(c.view)))
    for place, contrast in enumerate(order):
        assert contrast.ci95 is not None
        main = contrast.view == findings.primary_view
        low, high = contrast.ci95
        middle = contrast.difference if not missing(contrast.difference) else (low + high) / 2
        assert middle is not None
        axes.errorbar(
            [middle],
            [row - 0.22 + place * _STEP],
            xerr=[[max(0.0, middle - low)], [max(0.0, high - middle)]],
            fmt=_MARKERS[contrast.view],
            color=PALETTE[VIEWS.index(contrast.view)],
            alpha=1.0 if main else 0.55,
            markersize=6 if main else 3.5,
            linewidth=2.4 if main else 1.1,
            label=None if contrast.view in labelled else VIEW_WORDS[contrast.view],
        )
        labelled.add(contrast.view)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
