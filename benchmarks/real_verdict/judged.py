"""What the statistics say of a comparison, and of all A/A pairs together.

Notation: n = R x K differences of one comparison, N pairs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrc, stdtr, stdtrit

from study.verdict.correlated import corrected_t, plain_t, test_train_ratio
from study.verdict.holm import holm
from study.verdict.rule import Verdict, decide

ROPE = 0.005
LEVEL = 0.05
MUST_LOSE = "known/heads_off"
"""The comparison whose verdict must be "worse"."""


@dataclass(frozen=True)
class Judged:
    """One comparison; differences are arm minus baseline."""

    differences: tuple[float, ...]
    """n of them, repeat by repeat."""
    test_train: float
    """n_test/n_train, mean over folds."""
    difference: float
    low: float
    high: float
    """95% interval of the corrected t."""
    p: float
    """Of the corrected t."""
    p_naive: float
    """Of a t that takes the n differences for independent."""
    verdict: Verdict
    pooled: Mapping[str, float]
    """As `trained.pooled` gives it."""

    @property
    def people_cover(self) -> bool:
        """Whether the interval over subjects holds 0."""
        return self.pooled["low"] <= 0 <= self.pooled["high"]


def judged(record: Mapping[str, Any]) -> Judged:
    """Judge a record of `trained.train`; its contrast is a family of one.

    Raises:
        VerdictError: there is no test, as where all differences are the same.
    """
    differences = (np.array(record["arm"]) - np.array(record["against"])).ravel()
    sizes = record["test_sizes"]
    ratio = test_train_ratio([size for repeat in sizes for size in repeat], sum(sizes[0]))
    t = corrected_t(differences, ratio)
    p = t.p_two_sided()
    verdict = decide(t.difference, holm([p])[0], t.probabilities(ROPE).equivalent, LEVEL)
    return Judged(
        tuple(differences.tolist()),
        ratio,
        t.difference,
        *t.interval(1 - LEVEL),
        p,
        plain_t(differences).p_two_sided(),
        verdict,
        record["pooled"],
    )


def named(results: Mapping[str, Any], kind: str) -> dict[str, Judged]:
    """The comparisons of a kind by name."""
    return {
        name: judged(record)
        for name, record in results["comparisons"].items()
        if name.startswith(f"{kind}/")
    }


def accepted(count: int, rate: float = LEVEL, level: float = 0.95) -> tuple[int, int]:
    """Least and most of `count` that a binomial of this rate gives, level in all.

    Exact: less than the least, and more than the most, each have at most (1 - level)/2.
    """
    tail = (1 - level) / 2
    counts = range(count + 1)
    low = next(k for k in counts if bdtr(k, count, rate) > tail)
    high = next(k for k in counts if bdtrc(k, count, rate) <= tail)
    return low, high


def seen(count: int, rate: float) -> float:
    """Probability that `count` pairs show more rejections than `accepted`, at a true rate."""
    return float(bdtrc(accepted(count)[1], count, rate))


def rejected_if_independent(n: int, test_train: float) -> float:
    """Rate at which the corrected t rejects n independent normal differences of mean 0.

    The correction makes t smaller by the factor sqrt(1 + n test_train).
    """
    limit = float(stdtrit(n - 1, 1 - LEVEL / 2)) * math.sqrt(1 + n * test_train)
    return 2 * float(stdtr(n - 1, -limit))


def distance_from_uniform(p: ArrayLike) -> float:
    """Kolmogorov-Smirnov distance of [N] p-values from the uniform distribution."""
    values = np.sort(np.asarray(p, dtype=np.float64))
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - values).max(), (values - steps[:-1]).max()))


@dataclass(frozen=True)
class Pairs:
    """All A/A pairs together."""

    count: int
    rejected: int
    """p of the corrected t below the level."""
    rejected_naive: int
    people_cover: int
    """Intervals over subjects that hold 0."""
    verdicts: Mapping[str, int]
    distance: float
    """Of the corrected t's p from the uniform distribution."""
    distance_naive: float
    fold_sd: float
    """Root mean square of fold differences, whose expectation is 0."""
    pair_sd: float
    """Root mean square of the pairs' mean differences."""
    correlation: float
    """Of two differences of one pair, as the two above have it."""
    correlation_se: float
    """Standard error of it where the true one is 0."""
    assumed: float
    """The correlation that the corrected t assumes, n_test/n_total."""
    expected: float
    """Rate of rejections of the corrected t where the true correlation is 0."""

    @property
    def rerun_sd(self) -> float:
        """SD of one fold's score from seeds alone: that of a difference over sqrt 2."""
        return self.fold_sd / math.sqrt(2)


def together(pairs: Sequence[Judged]) -> Pairs:
    """Sum up A/A pairs.

    The mean of n differences of variance v and correlation r has v (1/n + (1 - 1/n) r).
    """
    differences = np.array([pair.differences for pair in pairs])
    n = differences.shape[1]
    fold, pair = float((differences**2).mean()), float((differences.mean(1) ** 2).mean())
    ratio = float(np.mean([one.test_train for one in pairs]))
    p, naive = [one.p for one in pairs], [one.p_naive for one in pairs]
    return Pairs(
        count=len(pairs),
        rejected=sum(value < LEVEL for value in p),
        rejected_naive=sum(value < LEVEL for value in naive),
        people_cover=sum(one.people_cover for one in pairs),
        verdicts=Counter(one.verdict for one in pairs),
        distance=distance_from_uniform(p),
        distance_naive=distance_from_uniform(naive),
        fold_sd=math.sqrt(fold),
        pair_sd=math.sqrt(pair),
        correlation=(pair / fold - 1 / n) / (1 - 1 / n),
        correlation_se=math.sqrt(2 / len(pairs)) / (n - 1),
        assumed=ratio / (1 + ratio),
        expected=rejected_if_independent(n, ratio),
    )


def faults(results: Mapping[str, Any]) -> list[str]:
    """What misses what it must reach, a line each; of what is there."""
    return list(_faults(results))


def _faults(results: Mapping[str, Any]) -> Iterator[str]:
    pairs = list(named(results, "aa").values())
    if pairs:
        found, most = together(pairs).rejected, accepted(len(pairs))[1]
        if found > most:
            yield f"aa: {found} of {len(pairs)} pairs rejected, at most {most} may be"
    lost = named(results, "known").get(MUST_LOSE)
    if lost is not None and lost.verdict != "worse":
        yield f'{MUST_LOSE}: the verdict must be "worse", found "{lost.verdict}"'
