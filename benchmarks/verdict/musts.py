"""What the figures must reach where the correlation is at most n_test/n_total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.verdict.simulate import PLANS

FALSE = 0.06
"""Families with a false better or worse: .05 and the sampling error of 2,000 studies."""
COVERAGE = 0.93
"""Of 95% intervals."""
EQUIVALENT = 0.05
"""Contrasts called equivalent with the truth at the edge of the ROPE."""
POWER = 0.8
"""Contrasts shown, with the truth at the difference that studies state."""
ERRORS = 3
"""Standard errors by which a figure may miss a limit that it meets exactly in theory."""

Figures = Mapping[str, list[float]]


def faults(generators: list[dict[str, Any]]) -> list[str]:
    """What misses its must, one line each; also by chance, with less than 2,000 studies."""
    return [
        f"{of['name']}: {fault}"
        for of in generators
        if of["judged"]
        for fault in (*_fixed(of["figures"]), *_raced(of["figures"]))
    ]


def _fixed(figures: Figures) -> Iterator[str]:
    for repeats in PLANS:
        for name in ("false", "false_one"):
            yield from _at_most(figures, f"fixed.{repeats}.{name}", FALSE)
        yield from _at_least(figures, f"fixed.{repeats}.coverage", COVERAGE)
        for name in ("edge", "wide"):
            yield from _at_most(figures, f"fixed.{repeats}.{name}", EQUIVALENT, ERRORS)
        for name in ("power_one", "power_all"):
            yield from _at_least(figures, f"fixed.{repeats}.{name}", POWER, ERRORS)
        if repeats > 1:
            yield from _at_least(figures, f"fixed.{repeats}.coverage_these", COVERAGE)


def _raced(figures: Figures) -> Iterator[str]:
    for truth in ("none", "one"):
        yield from _at_most(figures, f"race.{truth}.false", FALSE)
    for truth in ("none", "one", "all", "twice"):
        yield from _at_least(figures, f"race.{truth}.coverage", COVERAGE)
    yield from _at_most(figures, "race.wide_edge.equivalent", EQUIVALENT, ERRORS)


def _at_most(figures: Figures, name: str, limit: float, errors: int = 0) -> Iterator[str]:
    value, error = figures[name]
    if value > limit + errors * error:
        yield f"{name}: must be at most {limit:g}, is {value:g} (standard error {error:g})"


def _at_least(figures: Figures, name: str, limit: float, errors: int = 0) -> Iterator[str]:
    value, error = figures[name]
    if value < limit - errors * error:
        yield f"{name}: must be at least {limit:g}, is {value:g} (standard error {error:g})"
