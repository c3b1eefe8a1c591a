"""The rule that turns numbers into a verdict."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["better", "worse", "equivalent", "undecided"]


def decide(
    difference: float | None,
    p_adjusted: float | None,
    p_equivalent: float | None,
    level: float = 0.05,
) -> Verdict:
    """Decide a contrast.

    Equivalent where P(within ROPE) >= 1 - level. It takes precedence: a difference too small
    to matter, though real, is no reason to choose an arm. Else better or worse where the
    adjusted p is below level. Else undecided, which is not equivalence.

    Args:
        difference: arm minus against.
        p_adjusted: p-value, Holm-adjusted over the family.
        p_equivalent: posterior probability that the difference is within the ROPE.
        level: error rate. What is None decides nothing.
    """
    if p_equivalent is not None and p_equivalent >= 1 - level:
        return "equivalent"
    if difference is None or p_adjusted is None or p_adjusted >= level:
        return "undecided"
    return "better" if difference > 0 else "worse"
