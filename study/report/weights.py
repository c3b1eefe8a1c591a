"""What became of learned loss weights: did they move, and did they collapse.

Notation: `last` holds, for each fold of a trial, the values of its last epoch
by the names of `epoch_metric` (`weight_<term>`, `val_<term>`, `s_<term>`,
`alpha`); a value that was not finite, or is not in use, is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from model.config import TERMS, LossConfig, Term

FoldValues = Mapping[str, float | None]

UNMOVED_BELOW = 0.1
"""Largest |log(w_end / w_start)| over the terms of a run that counts as a fixed-weight run."""
LEAST_SHARE = 0.01
LEAST_OF_PAIRED = 0.1
"""A term is lost below LEAST_SHARE of the weighted loss and below this part of its share in
the paired fixed run."""
MOST_KL = 0.5
AT_BOUND = 1e-6

_FLOAT32_EPSILON = 2.0**-23


def starting_weights(loss: LossConfig) -> dict[Term, float]:
    """Weight of each term in use before the first step."""
    fixed = loss.fixed_weights
    if loss.auto_weighting == "uncertainty" and loss.uncertainty_init_value != "matched":
        weight = math.exp(-loss.uncertainty_init_value)
        return {term: weight for term in fixed if term != "kl" or fixed["kl"] > 0}
    return {term: weight for term, weight in fixed.items() if weight > 0}


def is_unmoved(start: Mapping[Term, float], last: Sequence[FoldValues]) -> bool:
    """Whether no weight moved: max over terms of |log(w_end / w_start)| is below .1.

    The logarithm is averaged over folds. A weight that is not finite has moved.
    """
    if not last:
        return False
    for term, weight in start.items():
        ends = [values[f"weight_{term}"] or 0.0 for values in last]
        if min(ends) <= 0 or abs(fmean(math.log(end / weight) for end in ends)) >= UNMOVED_BELOW:
            return False
    return True


def moves(
    start: Mapping[Term, float], last: Sequence[FoldValues]
) -> dict[Term, tuple[float, float]]:
    """Weight of each term before the first step and after the last epoch, averaged over folds.

    Empty if some fold has no such weight.
    """
    found: dict[Term, tuple[float, float]] = {}
    for term, weight in start.items():
        ends = [end for values in last if (end := values[f"weight_{term}"]) is not None]
        if not ends or len(ends) < len(last):
            return {}
        found[term] = (weight, fmean(ends))
    return found


def is_collapsed(
    start: Mapping[Term, float],
    last: Sequence[FoldValues],
    bounds: tuple[float, float],
    paired: Mapping[Term, float] | None,
) -> bool:
    """Whether a weight was lost, or one term took over.

    True where, in any fold, the weight of a term in use is not finite or a
    learned scalar lies at one of its bounds; where a term's share of the
    weighted loss is lost (see LEAST_SHARE); or where kl has more than half of it.

    Args:
        start: terms in use; see `starting_weights`.
        last: the trial's last epoch.
        bounds: auto_weight_clamp.
        paired: `shares` of the baseline on the same repeat; None if it has not completed,
            and then no share counts as lost.
    """
    if any(values[f"weight_{term}"] is None for values in last for term in start):
        return True
    if any(at_bound(values, bounds) for values in last):
        return True
    now = shares(last)
    if now.get("kl", 0.0) > MOST_KL:
        return True
    return paired is not None and any(
        share < LEAST_SHARE and share < LEAST_OF_PAIRED * paired.get(term, 0.0)
        for term, share in now.items()
    )


def shares(last: Sequence[FoldValues]) -> dict[Term, float]:
    """Share of each term in the weighted validation loss, averaged over folds.

    Empty if some fold has no such loss.
    """
    by_fold = [_fold_shares(values) for values in last]
    if not by_fold or not all(by_fold):
        return {}
    return {term: fmean(fold.get(term, 0.0) for fold in by_fold) for term in by_fold[0]}


def _fold_shares(values: FoldValues) -> dict[Term, float]:
    weighted: dict[Term, float] = {}
    for term in TERMS:
        weight, loss = values[f"weight_{term}"], values[f"val_{term}"]
        if weight is not None and loss is not None:
            weighted[term] = weight * loss
    total = sum(weighted.values())
    return {term: part / total for term, part in weighted.items()} if total > 0 else {}


def at_bound(values: FoldValues, bounds: tuple[float, float]) -> bool:
    """Whether a learned scalar lies at one of its bounds."""
    low, high = bounds
    return any(
        scalar <= low + tolerance or scalar >= high - tolerance
        for scalar, tolerance in _clamped_scalars(values)
    )


def _clamped_scalars(values: FoldValues) -> Iterator[tuple[float, float]]:
    """Learned scalars that a clamp holds, and how exactly they can be read off what is logged.

    uncertainty logs s itself. direct logs alpha = sigmoid(a) and weights exp(b) and
    exp(c); near 0 and 1 a rounded alpha tells a less exactly. Other schemes log
    neither s nor alpha, and have no clamp.
    """
    scalars = [s for term in TERMS if (s := values[f"s_{term}"]) is not None]
    if scalars:
        yield from ((s, AT_BOUND) for s in scalars)
        return
    alpha = values["alpha"]
    if alpha is None:
        return
    if values["weight_multiclass"] is not None and values["weight_binary"] is not None:
        tail = max(min(alpha, 1 - alpha), _FLOAT32_EPSILON)
        yield _log(alpha) - _log(1 - alpha), AT_BOUND + _FLOAT32_EPSILON / tail
    for term in ("nine_class", "kl"):
        weight = values[f"weight_{term}"]
        if weight is not None:
            yield _log(weight), AT_BOUND


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
