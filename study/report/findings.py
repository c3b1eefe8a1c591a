"""What a study has found: contrasts, power, noise, curves, in plain numbers.

A number that does not exist is None, and a sentence says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from study.verdict.rule import Verdict

View = Literal["declared", "equal_budget", "best_of_arm", "confirmed"]
Scope = Literal["population", "these_subjects"]
Interval = tuple[float, float]

VIEWS: tuple[View, ...] = ("confirmed", "declared", "equal_budget", "best_of_arm")
"""In the order in which they are shown."""


@dataclass(frozen=True)
class Metric:
    """One metric over a bootstrap of whole subjects."""

    estimate: float
    ci95: Interval


@dataclass(frozen=True)
class Contrast:
    """One arm against another, as one view sees it. Differences are arm minus against."""

    arm: str
    against: str
    """An arm, or "baseline": the declared cell of the fixed arm."""
    view: View
    scope: Scope
    primary: bool
    """Whether the headline rests on it: one of the Holm family of the primary view."""
    difference: float | None = None
    ci95: Interval | None = None
    """Unadjusted: of the corrected t where there is a p, else of a bootstrap over subjects."""
    p_corrected: float | None = None
    p_holm: float | None = None
    """Over the family of its view and scope; in a study that races, over all looks too."""
    p_worse: float | None = None
    p_equivalent: float | None = None
    p_better: float | None = None
    reachable: bool | None = None
    """Whether more repeats on the same subjects could decide it; true if it is decided."""
    verdict: Verdict = "undecided"
    detectable: float | None = None
    """Smallest difference it would have shown with 80% power at the strictest Holm level."""
    repeats: int = 0
    """Repeats of the cross-validation it rests on."""
    budget: int | None = None
    """Trials of each arm, in the view equal_budget."""
    look: int | None = None
    """At which look the race decided or dropped it, counted from 1."""
    subjects: Mapping[str, Metric] = field(default_factory=dict)
    """Differences in score, binary_f1 and macro_f1 over a bootstrap of whole subjects."""
    note: str | None = None
    """Why a number is missing, or what limits it: a sentence."""


@dataclass(frozen=True)
class Power:
    """What the study could have shown, and what it would take to show more."""

    level: float
    """Two-sided: the strictest of Holm's."""
    detectable: float
    """Of the least certain primary contrast."""
    at_best: float
    """The same after any number of repeats on the same subjects."""
    wanted: float
    """The difference asked about."""
    repeats_needed: int | None
    """To show `wanted` with 80% power; None: no number of repeats on these subjects will."""
    device_hours_needed: float | None
    """Of the repeats not run yet, for all arms of the family and the fixed one."""
    subjects_needed: int | None
    """With which `wanted` could be shown after many repeats, at best; None if not known."""
    rope: float
    equivalence_repeats: int | None
    """Repeats that would show equivalence if the true difference were 0; None: none will."""
    least_rope: float
    """Narrowest region in which any number of repeats could show that."""


@dataclass(frozen=True)
class NoiseOf:
    """Where the noise of a contrast comes from, as SDs; see `study.verdict.noise`."""

    arm: str
    against: str
    seed_sd: float | None
    """Of one fold's difference, from seed to seed on the same split."""
    split_sd: float | None
    """Of a repeat's mean difference, from split to split beyond seeds."""
    seed_split_sd: float | None
    """Both together: of a repeat's mean difference."""
    subject_sd: float | None
    """Of the mean difference, from one set of subjects to another."""
    shares: Mapping[str, float]
    """Of the variance of the mean difference, by source."""
    advice: Literal["seeds", "repeats", "subjects"] | None
    """What to buy more of first."""


@dataclass(frozen=True)
class Course:
    """Weights of one term over the epochs of an arm's cell. Lists are as long as its epochs."""

    arm: str
    cell: str
    """In words."""
    term: str
    mean: tuple[float, ...]
    """After each epoch, over folds and repeats."""
    low: tuple[float, ...]
    """The lowest fold of any repeat."""
    high: tuple[float, ...]
    sd: tuple[float, ...]
    """Over folds and repeats; 0 for one alone."""
    runs: int
    """Folds times repeats."""


@dataclass(frozen=True)
class ArmFindings:
    """What belongs to one arm beside its row in the table."""

    arm: str
    curve: tuple[float, ...]
    """Expected best of 1, 2, ... trials of the search, exact."""
    best_of_arm: float | None
    """Score of choosing the best of all its trials, the choice paid for (BBC-CV)."""
    optimism: float | None
    """By how much the best trial's own score flatters it."""
    declared: Mapping[str, Metric]
    """score, binary_f1, macro_f1 of the declared cell over a bootstrap of whole subjects."""
    confirmed_params: Mapping[str, float | str] | None
    confirmed: float | None
    """Mean score of the confirmed cell over its repeats."""
    confirmed_sd: float | None
    """Over repeats."""
    confirmed_repeats: int
    at_clamp: int
    """Trials with a learned scalar at its bound in some fold."""
    learned: int
    """Complete trials that learned weights: `unmoved` counts these."""
    gradient_share: Mapping[str, float]
    """Of each term in the gradient of the shown cell after the last epoch, by term."""
    scores: tuple[float, ...] = ()
    """Of its complete trials of the search, in the order in which they ran."""


@dataclass(frozen=True)
class Findings:
    """The verdict of a study."""

    headline: str
    primary_view: View | None
    """None if nothing can be compared."""
    rope: float
    family: tuple[str, ...]
    """Arms of the primary contrasts."""
    contrasts: tuple[Contrast, ...] = ()
    power: Power | None = None
    noise: tuple[NoiseOf, ...] = ()
    arms: tuple[ArmFindings, ...] = ()
    courses: tuple[Course, ...] = ()
    subjects: int | None = None
    """Whose sequences the study scores, pilots left out."""
    limits: tuple[str, ...] = ()
    """Sentences: where views disagree, what was left out or refused, what an answer rests on."""

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that the headline rests on."""
        return tuple(contrast for contrast in self.contrasts if contrast.primary)
