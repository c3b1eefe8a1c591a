"""What a study could have seen, and what more repeats or more subjects would buy.

Notation: sd, SD of the n = folds x repeats differences; q = n_test/n_train; alpha, two-sided
level of the strictest comparison, e.g. .05/3. The corrected standard error sd sqrt(1/n + q)
falls with repeats to sd sqrt(q) and no further: the subjects stay the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

from scipy.special import chndtrinc, chndtrix, gammaln, nctdtrinc, ndtr, ndtri, stdtr, stdtrit

from study.verdict.correlated import CorrelatedT

REACHABLE = 0.05
"""Chance of a decision below which a contrast is out of reach of repeats."""

FAR = 30
"""SDs beyond which the farther end of the ROPE holds no mass that a float could tell."""


def unbiased_factor(df: int) -> float:
    """Return c4, the expectation of an SD with df degrees of freedom over the true SD.

    sqrt(2/df) Gamma((df + 1)/2) / Gamma(df/2), for normal values.
    """
    return math.sqrt(2 / df) * math.exp(float(gammaln((df + 1) / 2) - gammaln(df / 2)))


def detectable(sd: float, n: int, test_train: float, alpha: float, power: float = 0.8) -> float:
    """Return the smallest difference that a study shows with this power, in score.

    d = nc sd/c4 sqrt(1/n + q), with nc the noncentrality at which a t of n - 1 degrees of
    freedom exceeds its critical value with probability `power`. sd is an estimate: dividing it
    by c4 makes d unbiased for the difference whose power is `power`. A study shifted by the d
    it states rejects with more than that (90% for n = 5), as a low sd goes with a low hurdle;
    a new study, with an sd of its own, with less (71% for n = 5, 79% for n = 100).

    Args:
        sd: SD of the differences, as estimated from n.
        n: folds x repeats, at least 2.
        test_train: n_test/n_train.
        alpha: two-sided level.
        power: probability to reject, in the right direction.
    """
    df = n - 1
    noncentrality = float(nctdtrinc(df, 1 - power, stdtrit(df, 1 - alpha / 2)))
    return noncentrality * sd / unbiased_factor(df) * math.sqrt(1 / n + test_train)


def detectable_at_best(sd: float, test_train: float, alpha: float, power: float = 0.8) -> float:
    """Return the limit of `detectable` for infinitely many repeats, in score.

    (z_(1 - alpha/2) + z_power) sd sqrt(q), sd taken as known.
    """
    return float(ndtri(1 - alpha / 2) + ndtri(power)) * sd * math.sqrt(test_train)


def repeats_needed(
    wanted: float,
    sd: float,
    folds: int,
    test_train: float,
    alpha: float,
    power: float = 0.8,
    most: int = 1000,
) -> int | None:
    """Return the repeats after which `detectable` is at most `wanted`.

    Returns:
        Repeats in all, 1 to most; None where no number of repeats up to `most` is enough.
    """
    return _first(
        lambda repeats: detectable(sd, folds * repeats, test_train, alpha, power) <= wanted, most
    )


def equivalence_repeats(
    rope: float,
    sd: float,
    folds: int,
    test_train: float,
    difference: float = 0.0,
    mass: float = 0.95,
    most: int = 1000,
) -> int | None:
    """Return the repeats after which P(within +-rope) reaches `mass`.

    Args:
        rope: half the width of the region of practical equivalence, in score.
        sd: SD of the differences.
        folds: folds of a repeat.
        test_train: n_test/n_train.
        difference: what the estimated difference then is, as is sd.
        mass: probability that equivalence needs.
        most: repeats that one would ever pay for.

    Returns:
        Repeats in all, 1 to most; None where no number of repeats up to `most` is enough.
    """

    def shown(repeats: int) -> bool:
        n = folds * repeats
        se = sd * math.sqrt(1 / n + test_train)
        above, below = stdtr(n - 1, [(difference - rope) / se, (-rope - difference) / se])
        return bool(1 - above - below >= mass)

    return _first(shown, most)


def least_rope(difference: float, sd: float, test_train: float, mass: float = 0.95) -> float:
    """Return the narrowest ROPE within which some number of repeats could show equivalence.

    The r with P(|N(difference, sd sqrt(q))| <= r) = mass: half the width, in score. The square
    of a normal is a noncentral chi-squared with one degree of freedom.
    """
    scale = sd * math.sqrt(test_train)
    if abs(difference) >= FAR * scale:
        return abs(difference) + float(ndtri(mass)) * scale
    return scale * math.sqrt(float(chndtrix(mass, 1, (difference / scale) ** 2)))


def subjects_factor(
    wanted: float, sd: float, test_train: float, alpha: float, power: float = 0.8
) -> float:
    """Return by how much the subjects must grow for `wanted` > 0 to be seen with many repeats.

    (detectable_at_best / wanted)^2, at least 1. This is the best case: that the variance which
    repeats leave, sd^2 q, shrinks as 1/subjects, all else equal. Where part of it does not,
    more subjects are needed.
    """
    return max(1.0, (detectable_at_best(sd, test_train, alpha, power) / wanted) ** 2)


def chance_of_decision(test: CorrelatedT, rope: float, alpha: float, mass: float = 0.95) -> float:
    """Return the probability that infinitely many repeats on the same subjects would decide.

    The difference after them is predicted as t_df(difference, sd sqrt(1/n)), the standard error
    that remains is s = sd sqrt(q), with sd as estimated. Decided is |difference| beyond
    z_(1 - alpha/2) s (better or worse), or so small that N(difference, s) has `mass` within
    +-rope (equivalent). Below `REACHABLE` the contrast is out of reach of repeats.

    Args:
        test: the contrast so far.
        rope: half the width of the region of practical equivalence, in score.
        alpha: two-sided level of better and worse.
        mass: probability that equivalence needs.
    """
    remaining = test.sd * math.sqrt(test.test_train)
    hurdle = float(ndtri(1 - alpha / 2)) * remaining
    small = _equivalent_up_to(rope, remaining, mass)
    if small is None:
        return 1 - _within(test, hurdle)
    return _within(test, small) + 1 - _within(test, max(hurdle, small))


def _equivalent_up_to(rope: float, scale: float, mass: float) -> float | None:
    """Return the largest |d| with P(|N(d, scale)| <= rope) >= mass; None if there is none."""
    if rope >= FAR * scale:
        return rope - float(ndtri(mass)) * scale
    if 1 - 2 * float(ndtr(-rope / scale)) <= mass:
        return None
    return scale * math.sqrt(float(chndtrinc((rope / scale) ** 2, 1, mass)))


def _within(test: CorrelatedT, bound: float) -> float:
    """Return P(-bound <= difference after infinitely many repeats <= bound)."""
    scale = test.sd / math.sqrt(test.n)
    above = float(stdtr(test.df, (test.difference - bound) / scale))
    below = float(stdtr(test.df, (-bound - test.difference) / scale))
    return max(0.0, 1 - above - below)


def _first(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the first of 1 to most that is enough, if one is; what follows it is enough too."""
    found = 1 + bisect_left(range(1, most + 1), True, key=enough)
    return found if found <= most else None
