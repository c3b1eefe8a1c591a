"""Views that rest on resampling whole subjects: metrics, equal budget, best of the arm.

They tell what other subjects would have changed, not what other seeds would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from study.report.findings import Contrast, Metric, View
from study.verdict.bbc import Bbc, bbc
from study.verdict.bootstrap import draws, interval, resampled
from study.verdict.budget import expected_best
from study.verdict.holm import holm
from study.verdict.noise import variance_of_subjects
from study.verdict.rule import decide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from study.report.counting import Counting
    from study.report.evidence import Evidence, Run
    from study.report.pairs import Pair

DRAWS = 1000
SEED = 0
METRICS = ("score", "binary_f1", "macro_f1")
NO_PREDICTIONS = "no interval: out-of-fold predictions or true labels are not stored"


class Resampling:
    """One set of draws of subjects for all arms, so that differences are paired."""

    def __init__(self, counting: Counting) -> None:
        """Draw."""
        self._counting = counting
        self._draws = draws(counting.subjects, DRAWS, SEED)
        self._all = np.ones((1, counting.subjects), dtype=np.int64)
        self._best: dict[tuple[str, int | None], Bbc | None] = {}

    def metrics(self, runs: Sequence[Run]) -> dict[str, NDArray[np.float64]] | None:
        """Each metric of each run, [R, B + 1]: of all subjects, then of every draw."""
        counts = [self._counting.of(run.row.trial_id) for run in runs]
        known = [of_run for of_run in counts if of_run is not None]
        if not known or len(known) < len(counts):
            return None
        stacked, other = np.stack(known), self._counting.other
        whole, drawn = (resampled(stacked, m, other) for m in (self._all, self._draws))
        return {
            name: np.concatenate([getattr(whole, name), getattr(drawn, name)], axis=-1)
            for name in METRICS
        }

    def of_runs(self, runs: Sequence[Run]) -> dict[str, Metric]:
        """Metrics of a cell, averaged over its runs."""
        return _summed_up(self.metrics(runs))

    def of_pair(self, pair: Pair) -> tuple[dict[str, Metric], float | None]:
        """Differences in each metric, and the variance of the score's that subjects make."""
        ours = self.metrics([pair.ours[r] for r in pair.repeats])
        theirs = self.metrics([pair.theirs[r] for r in pair.repeats])
        if ours is None or theirs is None:
            return {}, None
        differences = {name: ours[name] - theirs[name] for name in METRICS}
        return _summed_up(differences), variance_of_subjects(differences["score"][:, 1:])

    def best(self, arm: str, runs: Sequence[Run], budget: int | None) -> Bbc | None:
        """The best of an arm's trials, chosen and scored on different subjects."""
        key = arm, budget
        if key not in self._best:
            counts = [self._counting.of(run.row.trial_id) for run in runs]
            known = [of_run for of_run in counts if of_run is not None]
            usable = bool(known) and len(known) == len(counts)
            other = self._counting.other
            self._best[key] = bbc(np.stack(known), self._draws, other, budget) if usable else None
        return self._best[key]


def _summed_up(found: Mapping[str, NDArray[np.float64]] | None) -> dict[str, Metric]:
    if found is None:
        return {}
    means = {name: values.mean(axis=0) for name, values in found.items()}
    return {name: Metric(float(m[0]), interval(m[1:])) for name, m in means.items()}


@dataclass(frozen=True)
class Chosen:
    """The best of two arms' searches against each other."""

    contrast: Contrast
    spread: NDArray[np.float64] | None
    """[B] difference in each draw of subjects."""


def search_views(
    evidence: Evidence,
    resampling: Resampling | None,
    families: Sequence[Sequence[str]],
    against: str,
    rope: float,
) -> list[Contrast]:
    """Contrasts at equal budget, and of the best of each arm."""
    found: list[Contrast] = []
    views: tuple[View, ...] = ("equal_budget", "best_of_arm")
    for view in views:
        for arms in families:
            chosen = [_chosen(evidence, resampling, arm, against, view) for arm in arms]
            found += _judged([c for c in chosen if c is not None], rope)
    return found


def _chosen(
    evidence: Evidence, resampling: Resampling | None, arm: str, against: str, view: View
) -> Chosen | None:
    ours, theirs = evidence.search(arm), evidence.search(against)
    if not ours or not theirs:
        return None
    budget = min(len(ours), len(theirs)) if view == "equal_budget" else None
    bare = Contrast(arm, against, view, "population", primary=False, budget=budget, repeats=1)
    pair = None
    if resampling is not None:
        pair = [resampling.best(a, runs, budget) for a, runs in ((arm, ours), (against, theirs))]
    exact = None
    if budget is not None:
        exact = _expected(ours, budget) - _expected(theirs, budget)
    if pair is None or pair[0] is None or pair[1] is None:
        return Chosen(replace(bare, difference=exact, note=NO_PREDICTIONS), None)
    spread = pair[0].draws - pair[1].draws
    if exact is None:
        return Chosen(replace(bare, difference=float(spread.mean())), spread)
    return Chosen(replace(bare, difference=exact), spread - spread.mean() + exact)


def _expected(runs: Sequence[Run], budget: int) -> float:
    return expected_best([run.score for run in runs], budget)


def _judged(chosen: Sequence[Chosen], rope: float) -> list[Contrast]:
    """Contrasts of one family, by how their differences spread over draws of subjects."""
    shares = [None if c.spread is None else _two_sided(c.spread) for c in chosen]
    return [_spread(c, p, rope) for c, p in zip(chosen, holm(shares), strict=True)]


def _two_sided(spread: NDArray[np.float64]) -> float | None:
    """Twice the smaller share of draws on one side of 0, each side with one draw added."""
    if not np.ptp(spread):
        return None
    least = min(int((spread <= 0).sum()), int((spread >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (len(spread) + 1))


def _spread(chosen: Chosen, p_holm: float | None, rope: float) -> Contrast:
    spread, contrast = chosen.spread, chosen.contrast
    if spread is None:
        return contrast
    if p_holm is None:
        return replace(contrast, note="the same predictions in both arms: nothing to test")
    worse, better = float((spread < -rope).mean()), float((spread > rope).mean())
    equivalent = 1 - worse - better
    return replace(
        contrast,
        ci95=interval(spread),
        p_holm=p_holm,
        p_worse=worse,
        p_equivalent=equivalent,
        p_better=better,
        verdict=decide(contrast.difference, p_holm, equivalent),
    )
