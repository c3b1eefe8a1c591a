"""Expected best of a number of trials: arms compared at equal budgets of search.

`budget` scores drawn without replacement from n; the expectation of their maximum over all
C(n, budget) draws. This is the unbiased form of Tang et al. (2020, Showing Your Work Doesn't
Always Work, ACL); Dodge et al. (2019, Show Your Work, EMNLP) draw with replacement, which is
biased downwards. Which is tried first within an arm does not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from study.verdict.errors import NotFinite, TooFew


def best_weights(n: int, budget: int) -> NDArray[np.float64]:
    """Return the probability of each of n scores, ascending, to be the best of `budget`, [n].

    w_i = C(i - 1, budget - 1) / C(n, budget), i from 1. Computed from w_n = budget/n downwards
    by w_i = w_(i+1) (i - budget + 1)/i, so that no large number arises.

    Raises:
        TooFew: budget > n, or budget < 1.
    """
    if budget < 1:
        raise TooFew(1, budget, "trials in the budget")
    if budget > n:
        raise TooFew(budget, n, "trials for this budget")
    i = np.arange(n - 1, 0, -1)
    weights = np.full(n, budget / n)
    weights[1:] *= np.cumprod(np.maximum(i - budget + 1, 0) / i)
    return weights[::-1]


def expected_best(scores: ArrayLike, budget: int) -> float:
    """Return the expected best of `budget` trials.

    Args:
        scores: [n] scores of an arm's trials, in any order; higher is better.
        budget: trials that one can pay for, 1 to n. With 1 it is the mean, with n the maximum.

    Raises:
        TooFew: no score, or fewer than budget.
        NotFinite: NaN or infinity among the scores.
    """
    ascending = _ascending(scores)
    return float(best_weights(ascending.size, budget) @ ascending)


def expected_best_curve(scores: ArrayLike) -> NDArray[np.float64]:
    """Return `expected_best` for budgets 1 to n, [n]; it never falls.

    Raises:
        TooFew, NotFinite: as `expected_best`.
    """
    ascending = _ascending(scores)
    n = ascending.size
    return np.array([best_weights(n, budget) @ ascending for budget in range(1, n + 1)])


def _ascending(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.sort(np.asarray(scores, dtype=np.float64).ravel())
    if not values.size:
        raise TooFew(1, 0, "trials")
    if bad := int(values.size - np.isfinite(values).sum()):
        raise NotFinite(bad, values.size)
    return values
