"""Many studies, in several processes: the same figures from a seed, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.verdict import fixed_plan, raced
from benchmarks.verdict.fixed_plan import Truths, Values
from benchmarks.verdict.generators import GENERATORS, LEARNED, Draw
from benchmarks.verdict.raced import LONGEST, PLANNED, SHORTER

PLANS = (1, SHORTER, PLANNED)
"""Repeats of the fixed plans."""
WIDE = 5
"""A wide ROPE, in standard errors that repeats leave: sd sqrt(n_test/n_train)."""
CHUNK = 250
"""Studies of one job; fixed, as sums depend on their order."""

Sums = dict[str, tuple[float, float]]
"""Of each figure: sum over studies, and of squares."""
Map = Callable[[Callable[["Job"], Sums], Iterable["Job"]], Iterable[Sums]]


@dataclass(frozen=True)
class Job:
    """Studies first to last - 1 of one generator."""

    seed: int
    generator: int
    first: int
    last: int
    truths: Truths | None = None
    """None asks for what studies state of themselves."""


def simulate(studies: int, seed: int, jobs: int = 1) -> list[dict[str, Any]]:
    """Simulate at least 2 studies of each generator.

    Returns:
        Of each generator: `name`, `judged`, `test_train`, `wide_rope`, `figures`, and in these
        by name [mean, its Monte Carlo standard error].
    """
    with _mapping(jobs) as run:
        said = _figures(run, studies, seed, [None] * len(GENERATORS))
        truths = [
            _truths(figures, generator.test_train)
            for figures, generator in zip(said, GENERATORS, strict=True)
        ]
        found = _figures(run, studies, seed, truths)
    return [
        {
            "name": generator.name,
            "judged": generator.judged,
            "test_train": generator.test_train,
            "wide_rope": truth.wide,
            "figures": one | other,
        }
        for generator, truth, one, other in zip(GENERATORS, truths, said, found, strict=True)
    ]


@contextmanager
def _mapping(jobs: int) -> Iterator[Map]:
    if jobs == 1:
        yield map
        return
    with get_context("spawn").Pool(jobs) as pool:  # its processes end with this one
        yield pool.imap


def _figures(
    run: Map, studies: int, seed: int, truths: list[Truths] | list[None]
) -> list[dict[str, list[float]]]:
    """By generator: figures by name."""
    work = [
        Job(seed, place, first, min(first + CHUNK, studies), truth)
        for place, truth in enumerate(truths)
        for first in range(0, studies, CHUNK)
    ]
    parts: list[list[Sums]] = [[] for _ in truths]
    for job, sums in zip(work, run(done, work), strict=True):
        parts[job.generator].append(sums)
    return [_summary(sums, studies) for sums in parts]


def done(job: Job) -> Sums:
    """Draw and judge the studies of a job; each draw depends on its own number alone."""
    generator = GENERATORS[job.generator]
    total: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for study in range(job.first, job.last):
        rng = np.random.default_rng([job.seed, job.generator, study])
        draw = generator.draw(rng, LONGEST)
        for name, value in _values(draw, generator.test_train, job.truths).items():
            total[name][0] += value
            total[name][1] += value * value
    return {name: (first, second) for name, (first, second) in total.items()}


def _values(draw: Draw, test_train: float, truths: Truths | None) -> Values:
    if truths is None:
        plans = {n: fixed_plan.stated(draw, test_train, n) for n in PLANS}
        return _named({f"fixed.{n}": values for n, values in plans.items()})
    plans = {n: fixed_plan.measured(draw, test_train, n, truths) for n in PLANS}
    races = raced.measured(draw, test_train, truths)
    return _named(
        {f"fixed.{n}": values for n, values in plans.items()}
        | {f"race.{truth}": values for truth, values in races.items()}
    )


def _named(groups: Mapping[str, Values]) -> Values:
    return {f"{group}.{name}": value for group, of in groups.items() for name, value in of.items()}


def _truths(said: Mapping[str, list[float]], test_train: float) -> Truths:
    variance = said[f"fixed.{PLANNED}.variance"][0]
    stated = {
        n: np.array([said[f"fixed.{n}.stated.{arm}"][0] for arm in range(LEARNED)]) for n in PLANS
    }
    return Truths(stated, WIDE * sqrt(variance * test_train))


def _summary(parts: list[Sums], studies: int) -> dict[str, list[float]]:
    """Mean and its standard error; studies are independent, contrasts of one are not."""
    summary = {}
    for name in parts[0]:
        mean = sum(part[name][0] for part in parts) / studies
        square = sum(part[name][1] for part in parts) / studies
        variance = max(0.0, square - mean**2) / (studies - 1)
        summary[name] = [float(f"{value:.6g}") for value in (mean, sqrt(variance))]
    return summary
