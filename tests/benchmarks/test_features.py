from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks import features
from benchmarks.plain import features as plain
from model.data import features as ours
from tests.model.data.recordings import random_recording


@pytest.mark.parametrize("lengths", [(1,), (1, 2, 40, 1), (30,) * 200])
def test_groupby_computes_the_same(lengths: tuple[int, ...]) -> None:
    recording = random_recording(lengths)
    assert features.largest_difference(recording) < 1e-4
    rows = plain.table(recording)
    values = plain.features(rows, recording.rate_hz)
    np.testing.assert_array_equal(values.index, rows.index)
    assert tuple(values.columns) == ours.features(recording, "gravity")[2]


def test_what_is_not_the_same_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = plain.features

    def one_value_off(rows: pd.DataFrame, rate_hz: float) -> pd.DataFrame:
        values = computed(rows, rate_hz)
        return values + 0.01 * (values.index == 7)[:, np.newaxis]

    monkeypatch.setattr(plain, "features", one_value_off)
    with pytest.raises(AssertionError, match=r"found 0\.01"):
        features.measure(repeats=1, sequences=3)


def test_a_row() -> None:
    row = features.measure(repeats=1, sequences=60)
    assert row.ratio is not None
    assert row.must == 80
    assert 1 < row.ratio.median < math.inf
    assert row.details["sequences"] == 60
    assert row.details["largest_difference"] < features.TOLERANCE
