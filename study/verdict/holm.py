"""Holm's step-down adjustment of p-values (1979, Scandinavian Journal of Statistics 6)."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values so that those below a level keep the family's error below that level.

    The i-th smallest of m, from 1, becomes the largest of min(1, (m - j + 1) p_j) over j <= i.

    Args:
        p: p-values of one family. None, a contrast that could not be tested, stays None. It
            still counts in m: it was asked, and might have been tested.
    """
    adjusted: list[float | None] = [None] * len(p)
    least = 0.0
    ordered = sorted((value, at) for at, value in enumerate(p) if value is not None)
    for rank, (value, at) in enumerate(ordered):
        least = max(least, min(1.0, (len(p) - rank) * value))
        adjusted[at] = least
    return adjusted
