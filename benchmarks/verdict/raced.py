"""What a race says of a drawn study, and what it costs beside a fixed plan."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.verdict.fixed_plan import (
    DIFFERENT,
    ROPE,
    Array,
    Truths,
    Values,
    any_of,
    covers,
    mean,
    only_first,
    share,
    verdicts,
)
from benchmarks.verdict.generators import ARMS, LEARNED, Draw
from study.verdict.racing import MOST, RaceRule, Runner, looks_of, race

PLANNED = 10
"""Repeats of the fixed plan, and of a race for arms of ordinary noise."""
SHORTER = 5
"""Repeats of a fixed plan that costs about what a race does where arms differ."""
LONGEST = round(MOST * PLANNED)
"""Repeats that the noisiest arm may ask for."""
FIXED_TRAININGS = PLANNED * ARMS
"""Of the fixed plan; one training is all folds of one arm and repeat."""


@dataclass(frozen=True)
class Finished:
    """A race that is over."""

    runners: list[Runner]
    trainings: int


def finished(differences: Array, rope: float, test_train: float) -> Finished:
    """Race, training what the race asks for and nothing else.

    Args:
        differences: [A - 1, LONGEST, K], to be looked up as they are asked for.
        rope: half the width of the region of practical equivalence.
        test_train: n_test/n_train.
    """
    rule = RaceRule(looks_of(PLANNED), rope)
    results: dict[str, dict[int, Array | None]] = {str(arm): {} for arm in range(LEARNED)}
    while missing := (state := race(results, rule, test_train)).missing:
        for arm, repeats in missing.items():
            results[arm] |= {r: differences[int(arm), r - 1] for r in repeats}
    trained = [len(found) for found in results.values()]
    of_fixed = max(trained)  # every arm starts at repeat 1
    return Finished(list(state.runners.values()), sum(trained) + of_fixed)


def measured(draw: Draw, test_train: float, truths: Truths) -> dict[str, Values]:
    """Figures by truth: no difference, one arm or all differ, at the edge of the ROPE."""
    found = draw.differences(LONGEST)
    seen = truths.stated[PLANNED]
    figures = {
        "none": _beside_fixed_plan(found, np.zeros(LEARNED), test_train),
        "one": _beside_fixed_plan(found, only_first(seen), test_train),
        "all": _beside_fixed_plan(found, seen, test_train),
        "twice": _beside_fixed_plan(found, 2 * seen, test_train),
    }
    for name, truth in (("wide_edge", truths.wide), ("wide_none", 0.0)):
        figures[name] = _equivalence(found + truth, truths.wide, test_train)
    return figures


def _beside_fixed_plan(found: Array, truth: Array, test_train: float) -> Values:
    over = finished(found + truth[:, None, None], ROPE, test_train)
    verdict = [runner.verdict for runner in over.runners]
    planned = verdicts(found[:, :PLANNED], truth, ROPE, test_train)
    same = truth == 0
    values = _ends(over) | {"coverage": _coverage(over.runners, truth)}
    if same.any():
        values["false"] = any_of(list(compress(verdict, same)), *DIFFERENT)
        values["fixed_false"] = any_of(list(compress(planned, same)), *DIFFERENT)
    if not same.all():
        values["power"] = share(list(compress(verdict, ~same)), "better")
        values["fixed_power"] = share(list(compress(planned, ~same)), "better")
        sooner = verdicts(found[:, :SHORTER], truth, ROPE, test_train)
        values["shorter_power"] = share(list(compress(sooner, ~same)), "better")
    return values


def _equivalence(found: Array, rope: float, test_train: float) -> Values:
    over = finished(found, rope, test_train)
    verdict = [runner.verdict for runner in over.runners]
    return _ends(over) | {
        "equivalent": share(verdict, "equivalent"),
        "equivalent_family": any_of(verdict, "equivalent"),
    }


def _ends(over: Finished) -> Values:
    """Trainings, and how contrasts left."""
    decided = mean(runner.verdict != "undecided" for runner in over.runners)
    unreachable = mean(runner.out_of_reach for runner in over.runners)
    return {
        "trainings": over.trainings,
        "decided": decided,
        "unreachable": unreachable,
        "exhausted": 1 - decided - unreachable,
    }


def _coverage(runners: list[Runner], truth: ArrayLike) -> float:
    """Of the intervals as they were at each contrast's last look."""
    ends = zip(runners, np.asarray(truth), strict=True)
    return mean(covers(runner.test, at) for runner, at in ends if runner.test is not None)
