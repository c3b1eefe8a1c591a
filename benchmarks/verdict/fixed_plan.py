"""What a plan of a fixed number of repeats says of a drawn study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.verdict.generators import LEARNED, Draw
from study.verdict.correlated import CorrelatedT, corrected_t, plain_t
from study.verdict.holm import holm
from study.verdict.power import detectable
from study.verdict.rule import Verdict, decide

LEVEL = 0.05
ROPE = 0.005
DIFFERENT = ("better", "worse")

Array = NDArray[np.float64]
Values = dict[str, float]
"""One study's figures by name; of a yes or no, 1 or 0; of contrasts, the mean over them."""


@dataclass(frozen=True)
class Truths:
    """Differences of a generator that depend on what its studies say."""

    stated: Mapping[int, Array]
    """By repeats: [A - 1] mean of the detectable differences that studies state."""
    wide: float
    """A ROPE within which equivalence can be shown."""


def judged(tests: Sequence[CorrelatedT], rope: float) -> list[Verdict]:
    """Verdicts of one family."""
    adjusted = holm([test.p_two_sided() for test in tests])
    return [
        decide(test.difference, p, test.probabilities(rope).equivalent, LEVEL)
        for test, p in zip(tests, adjusted, strict=True)
    ]


def verdicts(differences: Array, truth: ArrayLike, rope: float, test_train: float) -> list[Verdict]:
    """Verdicts of a study whose learned arms differ by `truth`, [A - 1] or one number."""
    shifted = differences + np.broadcast_to(truth, LEARNED)[:, None, None]
    return judged([corrected_t(one, test_train) for one in shifted], rope)


def stated(draw: Draw, test_train: float, repeats: int) -> Values:
    """What a study says of its own noise: its detectable differences, its variance."""
    tests = [corrected_t(one, test_train) for one in draw.differences(repeats)]
    seen = [detectable(test.sd, test.n, test_train, LEVEL / LEARNED) for test in tests]
    values = {"stated": mean(seen), "variance": mean(test.sd**2 for test in tests)}
    return values | {f"stated.{arm}": one for arm, one in enumerate(seen)}


def measured(draw: Draw, test_train: float, repeats: int, truths: Truths) -> Values:
    """All figures of a plan of so many repeats."""
    found = draw.differences(repeats)
    tests = [corrected_t(one, test_train) for one in found]
    naive = judged([plain_t(one) for one in found], ROPE)
    seen = truths.stated[repeats]
    edge = verdicts(found, ROPE, ROPE, test_train)
    wide = verdicts(found, truths.wide, truths.wide, test_train)
    every = verdicts(found, seen, ROPE, test_train)
    one = verdicts(found, only_first(seen), ROPE, test_train)
    values = {
        "false": any_of(judged(tests, ROPE), *DIFFERENT),
        "naive": any_of(naive, *DIFFERENT),
        "coverage": mean(covers(test, 0.0) for test in tests),
        "edge": share(edge, "equivalent"),
        "edge_family": any_of(edge, "equivalent"),
        "wide": share(wide, "equivalent"),
        "wide_family": any_of(wide, "equivalent"),
        "power_all": share(every, "better"),
        "power_one": share(one[:1], "better"),
        "false_one": any_of(one[1:], *DIFFERENT),
    }
    if repeats > 1:
        given = zip(found.mean(axis=2), draw.given, strict=True)
        values["coverage_these"] = mean(covers(plain_t(means), at) for means, at in given)
    return values


def only_first(truth: Array) -> Array:
    """[A - 1] a truth in which one learned arm differs and the others do not."""
    return np.array([truth[0], *[0.0] * (LEARNED - 1)])


def covers(test: CorrelatedT, truth: float) -> bool:
    """Whether the 95% interval holds the truth."""
    low, high = test.interval()
    return low <= truth <= high


def share(found: Sequence[Verdict], *which: str) -> float:
    """Share of contrasts with these verdicts."""
    return mean(verdict in which for verdict in found)


def any_of(found: Sequence[Verdict], *which: str) -> float:
    """1 where any contrast of the family has one of these verdicts."""
    return float(any(verdict in which for verdict in found))


def mean(values: Iterable[float]) -> float:
    """Mean of a few numbers."""
    kept = list(values)
    return sum(kept) / len(kept)
