"""Which contrasts of a race are decided, and which repeats it wants next.

Several arms race against one reference. All start with the same few repeats;
at each look the contrasts that are decided, or that no number of repeats could
decide, leave the race, and the others go on with more repeats, noisier ones
with more than quieter ones. The number of looks L is fixed in advance.

Error rate. Each look tests at level / L (Bonferroni), with Holm's procedure over
the whole family: contrasts that left keep the p with which they left. The first
false "better" or "worse" at look l needs the least p of the true null hypotheses
still racing to be below level / (L m), m counting all of them, so over L looks a
family errs with probability `level` at most, whatever the dependence between looks.
Group-sequential bounds (O'Brien and Fleming 1979; Lan and DeMets 1983) would be
narrower and do not hold: they need independent increments, and repeats on the same
subjects share these subjects. The number of repeats depends on the spread of earlier
differences, not on their mean (as in Stein 1945), and normal means and spreads are
independent.

The race is a function of its results: whoever replays it finds the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from study.verdict.correlated import CorrelatedT, corrected_t
from study.verdict.errors import VerdictError
from study.verdict.holm import holm
from study.verdict.power import REACHABLE, chance_of_decision
from study.verdict.rule import Verdict, decide

LEAST, MOST = 0.5, 2.0
"""Bounds of the factor by which noise changes the number of repeats of a later look."""

Differences = Mapping[int, NDArray[np.float64] | None]
"""By repeat: [K] differences of the folds, or None where a trial of it failed for good."""


@dataclass(frozen=True)
class RaceRule:
    """What is fixed before a race begins."""

    looks: tuple[int, ...]
    """Repeats of a contrast of ordinary noise at each look, ascending."""
    rope: float
    level: float = 0.05
    """Of the family, over all looks."""

    @property
    def level_of_look(self) -> float:
        """Level at which each look tests the family."""
        return self.level / len(self.looks)


@dataclass(frozen=True)
class Runner:
    """Where one contrast stands."""

    wanted: int
    """Repeats 1 to `wanted` are asked for."""
    look: int = 0
    """The last look it took part in, counted from 1."""
    repeats: int = 0
    """Repeats that were tested at that look."""
    test: CorrelatedT | None = None
    """Of that look; None where nothing could be tested."""
    p_look: float | None = None
    """Its own p at that look."""
    p_holm: float | None = None
    """Adjusted for the family and for all looks."""
    verdict: Verdict = "undecided"
    out_of_reach: bool = False
    """Whether no number of repeats would decide it."""
    note: str | None = None
    """Why nothing could be tested."""

    @property
    def has_left(self) -> bool:
        """Whether it runs no further."""
        return self.verdict != "undecided" or self.out_of_reach


@dataclass(frozen=True)
class Race:
    """A race as far as its results go."""

    runners: Mapping[str, Runner]
    missing: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Repeats that the next look waits for, by arm; empty when the race is over."""


def race(results: Mapping[str, Differences], rule: RaceRule, test_train: float) -> Race:
    """Replay a race.

    Args:
        results: what there is so far, by arm.
        rule: what was fixed in advance.
        test_train: n_test / n_train of a fold, averaged.
    """
    runners = {arm: Runner(rule.looks[0]) for arm in results}
    for look in range(1, len(rule.looks) + 1):
        racing = [arm for arm, runner in runners.items() if not runner.has_left]
        missing = {arm: _missing(results[arm], runners[arm].wanted) for arm in racing}
        if any(missing.values()):
            return Race(runners, {arm: gaps for arm, gaps in missing.items() if gaps})
        runners = _look(look, runners, results, rule, test_train)
        if look < len(rule.looks):
            runners = _lengthened(runners, rule.looks[look])
    return Race(runners)


def _missing(found: Differences, wanted: int) -> tuple[int, ...]:
    return tuple(repeat for repeat in range(1, wanted + 1) if repeat not in found)


def _look(
    look: int,
    runners: Mapping[str, Runner],
    results: Mapping[str, Differences],
    rule: RaceRule,
    test_train: float,
) -> dict[str, Runner]:
    """All runners after a look; those that have left as they were."""
    tested = {
        arm: runner if runner.has_left else _tested(look, runner, results[arm], test_train)
        for arm, runner in runners.items()
    }
    adjusted = holm([_p_in_family(runner) for runner in tested.values()])
    return {
        arm: runner if runner.has_left else _judged(runner, p, len(tested), rule)
        for (arm, runner), p in zip(tested.items(), adjusted, strict=True)
    }


def _tested(look: int, runner: Runner, found: Differences, test_train: float) -> Runner:
    repeats = [folds for r in range(1, runner.wanted + 1) if (folds := found[r]) is not None]
    tried = replace(runner, look=look, repeats=len(repeats))
    try:
        test = corrected_t(np.array(repeats), test_train)
    except VerdictError as error:
        return replace(tried, out_of_reach=True, note=str(error))
    return replace(tried, test=test, p_look=test.p_two_sided())


def _p_in_family(runner: Runner) -> float | None:
    """Its p; None for one that left without a difference: its null hypothesis stands."""
    if runner.has_left and runner.verdict not in {"better", "worse"}:
        return None
    return runner.p_look


def _judged(runner: Runner, p_holm: float | None, family: int, rule: RaceRule) -> Runner:
    test = runner.test
    assert test is not None
    assert p_holm is not None
    level = rule.level_of_look
    verdict = decide(test.difference, p_holm, test.probabilities(rule.rope).equivalent, level)
    chance = chance_of_decision(test, rule.rope, level / family, 1 - level)
    return replace(
        runner,
        p_holm=min(1.0, p_holm * len(rule.looks)),
        verdict=verdict,
        out_of_reach=verdict == "undecided" and chance < REACHABLE,
    )


def _lengthened(runners: Mapping[str, Runner], repeats: int) -> dict[str, Runner]:
    """Runners still racing with the repeats of the next look, by their noise."""
    variances = {a: r.test.sd**2 for a, r in runners.items() if not r.has_left and r.test}
    if not variances:
        return dict(runners)
    ordinary = median(variances.values())

    def asked_for(arm: str) -> int:
        noise = min(max(variances[arm] / ordinary, LEAST), MOST)
        return max(runners[arm].wanted, round(repeats * noise))

    return dict(runners) | {arm: replace(runners[arm], wanted=asked_for(arm)) for arm in variances}


def looks_of(most: int) -> tuple[int, ...]:
    """Looks of a race of `most` repeats: at a fifth, a half and all of them, from 2 on.

    >>> looks_of(10), looks_of(3)
    ((2, 5, 10), (2, 3))
    """
    at = (-(-most // 5), -(-most // 2), most)
    return tuple(sorted({max(2, look) for look in at}))
