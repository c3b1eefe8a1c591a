"""Two cells side by side: the differences of their folds, and what tests say of them.

Notation: R repeats, K folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from study.report.findings import Contrast, Scope, View
from study.verdict.correlated import CorrelatedT, corrected_t, plain_t, test_train_ratio
from study.verdict.errors import VerdictError
from study.verdict.holm import holm
from study.verdict.power import REACHABLE, chance_of_decision, detectable
from study.verdict.rule import decide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from study.report.evidence import Run

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Pair:
    """Two cells on the repeats that both have run."""

    arm: str
    against: str
    view: View
    ours: Mapping[int, Run]
    theirs: Mapping[int, Run]
    note: str | None = None

    @cached_property
    def repeats(self) -> list[int]:
        """R repeats that both have."""
        return sorted(self.ours.keys() & self.theirs.keys())

    @cached_property
    def differences(self) -> NDArray[np.float64]:
        """[R, K] ours minus theirs."""
        return np.array([self.ours[r].scores - self.theirs[r].scores for r in self.repeats])

    @cached_property
    def test_train(self) -> float:
        """n_test / n_train of a fold; of equal folds where sizes are not known."""
        sizes = [self.ours[r].sizes for r in self.repeats if self.ours[r].sizes]
        if sizes:
            return fmean(test_train_ratio(s, sum(s)) for s in sizes)
        return 1 / (len(self.ours[self.repeats[0]].scores) - 1)


@dataclass(frozen=True, eq=False)
class Tested:
    """A pair and its test in one scope; no test where a sentence says why."""

    pair: Pair
    scope: Scope
    test: CorrelatedT | None = None
    note: str | None = None


def tested(pair: Pair, scope: Scope) -> Tested:
    """Test a pair."""
    if not pair.repeats:
        return Tested(pair, scope, note=pair.note or "not run yet on the same repeat")
    try:
        if scope == "population":
            test = corrected_t(pair.differences, pair.test_train)
        elif len(pair.repeats) < 2:
            return Tested(pair, scope, note="needs two repeats or more")
        else:
            test = plain_t(pair.differences.mean(axis=1))
    except VerdictError as error:
        return Tested(pair, scope, note=str(error))
    return Tested(pair, scope, test, pair.note)


def family(
    members: Sequence[Tested], rope: float, *, primary: bool, looks: int = 1
) -> list[Contrast]:
    """Contrasts of one Holm family; members without a test count in its size.

    Args:
        members: of the family.
        rope: half the width of the region of practical equivalence.
        primary: whether the headline rests on them.
        looks: that share the level, in a study that races.
    """
    adjusted = holm([m.test.p_two_sided() if m.test else None for m in members])
    return [
        _contrast(member, p, rope, len(members) * looks, primary=primary)
        for member, p in zip(members, adjusted, strict=True)
    ]


def _contrast(
    member: Tested, p_holm: float | None, rope: float, size: int, *, primary: bool
) -> Contrast:
    pair, test = member.pair, member.test
    bare = Contrast(
        pair.arm,
        pair.against,
        pair.view,
        member.scope,
        primary,
        repeats=len(pair.repeats),
        note=member.note,
    )
    if test is None:
        known = float(pair.differences.mean()) if pair.repeats else None
        return replace(bare, difference=known)
    chances = test.probabilities(rope)
    verdict = decide(test.difference, p_holm, chances.equivalent, LEVEL)
    return replace(
        bare,
        difference=test.difference,
        ci95=test.interval(),
        p_corrected=test.p_two_sided(),
        p_holm=p_holm,
        p_worse=chances.worse,
        p_equivalent=chances.equivalent,
        p_better=chances.better,
        verdict=verdict,
        reachable=verdict != "undecided"
        or chance_of_decision(test, rope, LEVEL / size) >= REACHABLE,
        detectable=detectable(test.sd, test.n, test.test_train, LEVEL / size),
    )
