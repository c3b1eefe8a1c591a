"""From numbers to a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.verdict.rule import Verdict, decide

probabilities = st.none() | st.floats(0, 1)


@pytest.mark.parametrize(
    ("difference", "p", "equivalent", "verdict"),
    [
        (0.02, 0.01, 0.0, "better"),
        (-0.02, 0.01, 0.0, "worse"),
        (0.02, 0.05, 0.0, "undecided"),
        (0.001, 0.9, 0.95, "equivalent"),
        (0.001, 0.01, 0.97, "equivalent"),
        (0.001, 0.9, 0.9499, "undecided"),
        (0.001, None, 0.96, "equivalent"),
        (0.02, 0.01, None, "better"),
        (0.02, None, None, "undecided"),
        (None, 0.01, None, "undecided"),
        (None, None, None, "undecided"),
    ],
)
def test_rule(
    difference: float | None, p: float | None, equivalent: float | None, verdict: Verdict
) -> None:
    assert decide(difference, p, equivalent) == verdict


@given(st.floats(-1, 1), probabilities, probabilities, st.floats(0.001, 0.2))
def test_exchanging_the_arms_turns_the_verdict(
    difference: float, p: float | None, equivalent: float | None, level: float
) -> None:
    turned = {"better": "worse", "worse": "better"}
    verdict = decide(difference or 0.1, p, equivalent, level)
    assert decide(-(difference or 0.1), p, equivalent, level) == turned.get(verdict, verdict)
