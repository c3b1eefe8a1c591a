"""Interleaved timing: every contender once a round, in turn, ratios within a round.

A machine's speed drifts; neighbours in time share the drift, so their ratio
does not have it. CPU time counts this process and children that have ended.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.result import Ratio

REPEATS = 5


@dataclass(frozen=True)
class Taken:
    """What one run took, in seconds."""

    wall: float
    cpu: float


Timings = Mapping[str, Sequence[Taken]]
"""For each contender, one entry a round."""


def timed(run: Callable[[], object]) -> Taken:
    """Run once."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    run()
    wall = time.perf_counter() - wall
    return Taken(wall, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    """Of this process and its ended children so far, to the microsecond."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def interleaved(
    contenders: Mapping[str, Callable[[], object]], repeats: int = REPEATS, warmups: int = 0
) -> Timings:
    """Run every contender once a round; the order turns by one from round to round."""
    names = list(contenders)
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    for turn in range(warmups + repeats):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            found = timed(contenders[name])
            if turn >= warmups:
                taken[name].append(found)
    return taken


def ratio_of(timings: Timings, ours: str, baseline: str, *, cpu: bool = False) -> Ratio:
    """How many times longer the baseline takes, round by round."""
    kind = "cpu" if cpu else "wall"
    ratios = [
        getattr(theirs, kind) / getattr(own, kind)
        for own, theirs in zip(timings[ours], timings[baseline], strict=True)
    ]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios), len(ratios))


def summary(timings: Timings) -> dict[str, dict[str, float]]:
    """Median wall and CPU seconds of each contender, for a row's details."""
    return {
        name: {
            "wall_s": statistics.median(t.wall for t in runs),
            "cpu_s": statistics.median(t.cpu for t in runs),
        }
        for name, runs in timings.items()
    }
