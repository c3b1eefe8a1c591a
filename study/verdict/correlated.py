"""Corrected resampled t: scores of overlapping training sets are not independent.

n = folds x repeats differences d_i, all of the same subjects. Nadeau & Bengio (2003, Inference for
the Generalization Error, section 5) estimate the variance of their mean as
(1/n + n_test/n_train) s^2, with s the SD of the d_i; the statistic is compared with a t of
n - 1 degrees of freedom. Bouckaert & Frank (2004) use it for repeated cross-validation.

The Bayesian correlated t-test (Corani & Benavoli 2015; Benavoli et al. 2017, section 4.1) is
the same t, read as the posterior of the difference. Its correlation of two scores is
rho = n_test/n_total, and rho/(1 - rho) = n_test/n_train.

Where the true correlation is above rho, the test rejects too often; where below, too seldom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from study.verdict.errors import NotFinite, NoVariance, TooFew

IDENTICAL = 1e-12
"""Differences within this range are the same number, apart from rounding."""


class Probabilities(NamedTuple):
    """Posterior probabilities of the difference; they add up to 1."""

    worse: float
    """P(difference < -rope)."""
    equivalent: float
    """P(-rope <= difference <= rope)."""
    better: float
    """P(difference > rope)."""


@dataclass(frozen=True)
class CorrelatedT:
    """A t distribution of a mean difference: location `difference`, scale `se`, `df`."""

    difference: float
    """Mean of the differences."""
    sd: float
    """SD of the differences, with n - 1 below."""
    n: int
    """Number of differences."""
    se: float
    """Corrected standard error: sd sqrt(1/n + test_train)."""
    df: int
    """n - 1."""
    test_train: float
    """n_test/n_train; 0 where the differences are independent."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval (lo, hi); of confidence, and of credibility."""
        half = float(stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.difference - half, self.difference + half

    def p_two_sided(self) -> float:
        """Return the p-value of "no difference", against either sign."""
        return 2 * float(stdtr(self.df, -abs(self.difference) / self.se))

    def probabilities(self, rope: float) -> Probabilities:
        """Return P(worse), P(equivalent), P(better) for differences up to +-rope, rope >= 0."""
        worse = float(stdtr(self.df, (-rope - self.difference) / self.se))
        better = float(stdtr(self.df, (self.difference - rope) / self.se))
        return Probabilities(worse, max(0.0, 1 - worse - better), better)


def corrected_t(differences: ArrayLike, test_train: float) -> CorrelatedT:
    """Test the mean of differences from (repeated) cross-validation.

    Args:
        differences: arm minus against, one a fold and repeat; any shape, n values in all.
        test_train: n_test/n_train, as `test_train_ratio` gives it.

    Raises:
        TooFew: n < 2.
        NotFinite: NaN or infinity among the differences.
        NoVariance: all within `IDENTICAL` of one another.
    """
    values = np.asarray(differences, dtype=np.float64).ravel()
    n = values.size
    if n < 2:
        raise TooFew(2, n, "differences")
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(high - low):  # NaN and infinity pass through both
        raise NotFinite(int(n - np.isfinite(values).sum()), n, "differences")
    mean = float(values.sum()) / n
    if high - low <= IDENTICAL * max(1.0, abs(mean)):
        raise NoVariance(0.0 if abs(mean) <= IDENTICAL else mean)
    centred = values - mean
    sd = math.sqrt(float(centred @ centred) / (n - 1))
    return CorrelatedT(mean, sd, n, sd * math.sqrt(1 / n + test_train), n - 1, test_train)


def plain_t(means: ArrayLike) -> CorrelatedT:
    """Test the mean of independent differences: Student's t, n_test/n_train = 0.

    Repeats with fresh seeds and splits are independent of one another given the subjects, so
    this answers for these subjects alone.

    Args:
        means: [R] difference of each repeat, averaged over its folds.

    Raises:
        TooFew, NotFinite, NoVariance: as `corrected_t`.
    """
    return corrected_t(means, 0.0)


def test_train_ratio(test_sizes: Sequence[int], total: int) -> float:
    """Return the mean over folds of n_test/n_train.

    Args:
        test_sizes: rows held out by each fold.
        total: rows in all.

    Raises:
        TooFew: no fold, or a fold that leaves no row to train on.
    """
    if not test_sizes:
        raise TooFew(1, 0, "folds")
    if (least := total - max(test_sizes)) < 1:
        raise TooFew(1, least, "training rows in a fold")
    return math.fsum(size / (total - size) for size in test_sizes) / len(test_sizes)


test_train_ratio.__test__ = False  # type: ignore[attr-defined]  # not a test, in spite of its name
