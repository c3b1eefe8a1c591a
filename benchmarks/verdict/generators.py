"""Draws of studies: scores of one fixed and three learned arms, apart from what we add to them.

Notation: A = 4 arms, the first fixed; R repeats; K = 5 folds; S subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from study.verdict.correlated import test_train_ratio

LEARNED, FOLDS = 3, 5
ARMS = 1 + LEARNED

FOLD_SD = 0.009
"""Of a fold's score, common to all arms: it cancels in differences."""
RERUN_SD = 0.0082
"""Of a fold's score when one arm is trained again with another seed."""

EQUAL = (8, 8, 8, 7, 7)
UNEQUAL = (4, 6, 8, 9, 11)
"""Subjects of each fold, 38 in all."""

DIFFICULTY_SD = FOLD_SD * sqrt(sum(EQUAL) / FOLDS)
"""Of a subject: as a mean over the subjects of a fold, it gives `FOLD_SD`."""
EFFECT_SD = RERUN_SD * sqrt(sum(EQUAL) / FOLDS)
"""Of an arm on a subject: in a fold's mean, as large as `RERUN_SD`.

Then seeds and subjects each make half the variance of a fold's difference. It is nearly
`DIFFICULTY_SD`, as if arms differed on a subject as much as subjects differ: a hard case.
"""


@dataclass(frozen=True)
class Draw:
    """One study in which no arm differs."""

    scores: NDArray[np.float64]
    """[A, R, K], without the level of the scores."""
    given: NDArray[np.float64]
    """[A - 1] mean difference over infinitely many repeats of these subjects."""

    def differences(self, repeats: int) -> NDArray[np.float64]:
        """[A - 1, repeats, K] of the first repeats, learned - fixed."""
        return self.scores[1:, :repeats] - self.scores[0, :repeats]


class Generator(Protocol):
    """Draws studies of one kind."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    @property
    def judged(self) -> bool:
        """Whether the corrected t promises its level there."""

    @property
    def test_train(self) -> float:
        """n_test/n_train, averaged over folds."""

    def draw(self, rng: np.random.Generator, repeats: int) -> Draw:
        """Draw a study of so many repeats."""


@dataclass(frozen=True)
class Correlated:
    """Any two trainings of an arm have scores of one correlation, as they share data.

    score[a, r, k] = f[r, k] + e[a, r, k]; f of SD `FOLD_SD`; e of SD `RERUN_SD` and correlation
    `rho` within an arm, 0 between arms. Differences have the SD sqrt(2) `RERUN_SD` and the
    correlation rho; two contrasts, by the noise of the fixed arm, the correlation 1/2.
    `noise` multiplies the e of each arm.
    """

    rho: float
    noise: tuple[float, ...] = (1.0,) * ARMS
    test_train: float = 0.25

    @property
    def name(self) -> str:
        """What the tables call it."""
        noisy = "" if len(set(self.noise)) == 1 else ", a noisy arm"
        return f"correlation {self.rho:g}{noisy}"

    @property
    def judged(self) -> bool:
        """Whether rho is at most n_test/n_total = q/(1 + q)."""
        return self.rho <= self.test_train / (1 + self.test_train)

    def draw(self, rng: np.random.Generator, repeats: int) -> Draw:
        """Draw a study; what all trainings of an arm share belongs to these subjects."""
        fold = FOLD_SD * rng.standard_normal((repeats, FOLDS))
        sd = RERUN_SD * np.array(self.noise)
        shared = sd * sqrt(self.rho) * rng.standard_normal(ARMS)
        own = sqrt(1 - self.rho) * rng.standard_normal((ARMS, repeats, FOLDS))
        own *= sd[:, None, None]
        return Draw(fold + shared[:, None, None] + own, shared[1:] - shared[0])


@dataclass(frozen=True)
class Subjects:
    """Subjects are drawn once, parted into folds afresh in each repeat.

    A fold's score is the mean over its subjects of difficulty (common to all arms) and effect
    (of an arm on a subject), and a rerun's noise. The truth of the population is the mean over
    infinitely many subjects.
    """

    name: str
    sizes: tuple[int, ...] = EQUAL
    """Subjects of each fold."""
    judged: bool = True

    @cached_property
    def test_train(self) -> float:
        """n_test/n_train, averaged over folds."""
        return test_train_ratio(self.sizes, sum(self.sizes))

    def draw(self, rng: np.random.Generator, repeats: int) -> Draw:
        """Draw subjects, then partitions of them."""
        number = sum(self.sizes)
        difficulty = DIFFICULTY_SD * rng.standard_normal(number)
        effect = EFFECT_SD * rng.standard_normal((ARMS, number))
        order = rng.permuted(np.tile(np.arange(number), (repeats, 1)), axis=1)
        starts = np.cumsum((0, *self.sizes[:-1]))
        sums = np.add.reduceat((difficulty + effect)[:, order], starts, axis=2)
        rerun = RERUN_SD * rng.standard_normal((ARMS, repeats, len(self.sizes)))
        means = effect.mean(axis=1)
        return Draw(sums / self.sizes + rerun, means[1:] - means[0])


GENERATORS: tuple[Generator, ...] = (
    *(Correlated(rho) for rho in (0.0, 0.1, 0.2, 0.4)),
    Correlated(0.2, noise=(1.0, 1.0, 1.0, 2.0)),
    Subjects("subjects"),
    Subjects("subjects, unequal folds", UNEQUAL),
)
