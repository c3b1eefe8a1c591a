"""Holm's adjustment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.verdict.holm import holm

families = st.lists(st.floats(0, 1), max_size=8)


def rejected(p: list[float], level: float) -> list[bool]:
    """Holm's procedure as he words it: from the smallest p on, until one is not below."""
    kept = [False] * len(p)
    for rank, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[at] * (len(p) - rank) >= level:
            break
        kept[at] = True
    return kept


def test_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_an_untested_contrast_still_counts() -> None:
    assert holm([None, 0.01, 0.04]) == [None, pytest.approx(0.03), pytest.approx(0.08)]
    assert holm([None, None]) == [None, None]


@given(families, st.floats(0.001, 0.999))
def test_adjusted_values_reject_what_the_procedure_rejects(p: list[float], level: float) -> None:
    assert [a < level for a in holm(p) if a is not None] == rejected(p, level)


@given(families)
def test_adjusted_values_keep_the_order_and_never_fall_below_p(p: list[float]) -> None:
    adjusted = [a for a in holm(p) if a is not None]
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    ordered = [adjusted[at] for at in np.argsort(p, kind="stable")]
    assert ordered == sorted(ordered)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_of_the_family_does_not_matter(p: list[float], random: object) -> None:
    order = list(range(len(p)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis types its Random as object
    plain = holm(p)
    assert holm([p[at] for at in order]) == [plain[at] for at in order]
