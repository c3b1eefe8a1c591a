"""Errors of the verdict package; each message is one sentence that a report can show.

VerdictError
├── TooFew       fewer values than the statistic needs
├── NoVariance   all differences identical; no test exists
└── NotFinite    NaN or infinity among the values; a ValueError too
"""

from __future__ import annotations


class VerdictError(Exception):
    """Base of what this package raises on purpose: a number that does not exist, and why."""


class TooFew(VerdictError):
    """Fewer values than a statistic needs.

    Args:
        needs: least number of values.
        found: values that there are.
        what: what is counted, in the plural.
    """

    def __init__(self, needs: int, found: int, what: str = "scores") -> None:
        self.needs, self.found = needs, found
        super().__init__(f"too few {what}: needs at least {needs}, found {found}")


class NoVariance(VerdictError):
    """All differences are the same number, so that a test would divide by zero.

    Args:
        difference: the number that they all are.
    """

    def __init__(self, difference: float = 0.0) -> None:
        self.difference = difference
        super().__init__(
            f"the same difference of {difference:+.4g} on every fold: no variance to test against"
            if difference
            else "identical scores on every fold: nothing to test"
        )


class NotFinite(VerdictError, ValueError):
    """NaN or infinity among values.

    Args:
        bad: number of values that are NaN or infinite.
        total: number of values.
        what: what they are, in the plural.
    """

    def __init__(self, bad: int, total: int, what: str = "scores") -> None:
        self.bad, self.total = bad, total
        super().__init__(f"{bad} of {total} {what} are NaN or infinite: expected finite numbers")
