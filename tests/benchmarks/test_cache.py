from __future__ import annotations

import math
from pathlib import Path

from benchmarks import cache
from tests.model.data.tables import description, small_table, write_description


def test_a_row(tmp_path: Path) -> None:
    small_table().to_csv(tmp_path / "table.csv", index=False)
    row = cache.measure(repeats=1, data=write_description(tmp_path, description()))
    assert row.ratio is not None
    assert row.must == 50
    assert 1 < row.ratio.median < math.inf
    taken = row.details["taken"]
    assert taken["cached"]["wall_s"] < taken["anew"]["wall_s"]
    assert taken["cached"]["wall_s"] < taken["first_start"]["wall_s"]
