from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import score
from model.hierarchy import Hierarchy

HIERARCHY = Hierarchy.of(targets=("drink", "type"), others=("walk", "jog", "sit"))
class_ids = st.integers(0, 4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(class_ids, class_ids), min_size=1, max_size=30))
def test_scikit_learn_scores_the_same(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array([pairs, pairs[::-1]]).transpose(2, 0, 1)
    assert score.largest_difference(truth, predicted, HIERARCHY) < 1e-12


def test_what_is_not_the_same_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "one_by_one", lambda truth, *_: np.full((len(truth), 2), 0.5))
    with pytest.raises(AssertionError, match="expected equal values"):
        score.measure(repeats=1, replicas=2, sequences=30)


def test_a_row() -> None:
    row = score.measure(repeats=2, replicas=3, sequences=50)
    assert row.ratio is not None
    assert row.must == 150
    assert 1 < row.ratio.low <= row.ratio.median < math.inf
    assert row.ratio.repeats == 2
    assert row.details["sequences"] == 50


def test_predictions_are_right_as_often_as_said() -> None:
    truth, predicted = score.drawn(np.arange(18), replicas=25, sequences=1000)
    assert truth.shape == (25, 1000)
    expected = score.RIGHT + (1 - score.RIGHT) / 18
    assert np.mean(truth == predicted) == pytest.approx(expected, abs=0.02)
