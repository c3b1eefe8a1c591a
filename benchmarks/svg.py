"""Line charts as SVG, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 58, 50
"""Around the field that is drawn in."""
COLOURS = ("#3b82c4", "#d97a1f", "#3a9a5b", "#b05cc0")
"""Of up to so many series; each has enough contrast on white and on near-black."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #3d444d }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #8b949e; stroke-opacity: .3 }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """What is drawn: one line a series, both axes from 0."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[Point]]

    def svg(self) -> str:
        """The picture."""
        parts = [*self._axes(), *self._lines(), *(self._legend() if len(self.series) > 1 else ())]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n"
            + "\n".join(parts)
            + "\n</svg>\n"
        )

    def _ticks(self, axis: int) -> list[float]:
        return ticks(max(point[axis] for points in self.series.values() for point in points))

    def _place(self, point: Point) -> Point:
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        x, y = (point[axis] / self._ticks(axis)[-1] for axis in (0, 1))
        return round(LEFT + x * width, 1), round(HEIGHT - BOTTOM - y * height, 1)

    def _axes(self) -> Iterator[str]:
        yield text(LEFT, 20, self.title, anchor="start", kind="title")
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        for value in self._ticks(0):
            x, _ = self._place((value, 0))
            yield text(x, bottom + 18, f"{value:g}")
        for value in self._ticks(1):
            _, y = self._place((0, value))
            yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}"/>'
            yield text(LEFT - 8, y + 4, f"{value:g}", anchor="end")
        yield text((LEFT + right) / 2, HEIGHT - 12, self.x)
        yield text(16, (TOP + bottom) / 2, self.y, turned=True)

    def _lines(self) -> Iterator[str]:
        for points, colour in zip(self.series.values(), COLOURS, strict=False):
            placed = [self._place(point) for point in sorted(points)]
            road = " ".join(f"{x},{y}" for x, y in placed)
            yield f'<polyline points="{road}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for (x, y), (at, value) in zip(placed, sorted(points), strict=True):
                yield f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}">'
                yield f"<title>{at:g}: {value:.4g}</title></circle>"

    def _legend(self) -> Iterator[str]:
        x = LEFT + 4.0
        for name, colour in zip(self.series, COLOURS, strict=False):
            yield f'<circle cx="{x}" cy="38" r="4" fill="{colour}"/>'
            yield text(x + 9, 42, name, anchor="start")
            x += 30 + 6.5 * len(name)


def ticks(largest: float) -> list[float]:
    """Round numbers from 0 to at least `largest`, four to seven of them."""
    if largest <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(largest))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1, 2, 5) if largest <= 6 * s * power)
    return [round(step * i, 10) for i in range(math.ceil(largest / step) + 1)]


def text(
    x: float, y: float, words: str, *, anchor: str = "middle", kind: str = "", turned: bool = False
) -> str:
    """Words at a place; turned, they run upwards."""
    turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{name}{turn}>{escape(words)}</text>'
