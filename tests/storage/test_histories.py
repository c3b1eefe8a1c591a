from __future__ import annotations

import math

from sqlalchemy import Engine

from storage.histories import epoch_scores
from storage.runs import EpochRow, RunResult, Runs
from tests.storage.conftest import MADE_OF, STUDY, cells

CELLS = [cell.hash for cell in cells(4)]


def begin(runs: Runs, trial_id: int) -> int:
    """Claim the first free cell."""
    [claim] = runs.claim(cells(4), 1, MADE_OF)
    runs.attach({claim.run_id: (trial_id, trial_id - 100)}, "worker-1", "cpu")
    return claim.run_id


def history(*scores: float) -> list[EpochRow]:
    """Two folds, the second a little better."""
    return [
        EpochRow(fold, epoch, {"score": score + fold / 8})
        for epoch, score in enumerate(scores)
        for fold in range(2)
    ]


def test_scores_come_of_running_and_ended_trials_that_got_that_far(
    engine: Engine, runs: Runs, other: Runs
) -> None:
    runs.record_epochs(begin(runs, 100), history(0.25, 0.5))
    other.record_epochs(begin(other, 101), history(0.25))
    result = RunResult(0.75, (), 1.0, "worker-1", "cpu", history(0.25, 0.75))
    runs.complete(begin(runs, 102), result, "pruned")
    assert epoch_scores(engine, STUDY.study_id, CELLS, 1) == {
        "cell0000": [0.5, 0.625],
        "cell0002": [0.75, 0.875],
    }
    assert set(epoch_scores(engine, STUDY.study_id, CELLS, 0)) == set(CELLS[:3])
    assert set(epoch_scores(engine, STUDY.study_id, CELLS[1:3], 0)) == set(CELLS[1:3])
    assert epoch_scores(engine, STUDY.study_id + 1, CELLS, 0) == {}


def test_an_attempt_that_came_to_nothing_does_not_count(engine: Engine, runs: Runs) -> None:
    first = begin(runs, 100)
    runs.record_epochs(first, history(0.25, 0.5))
    runs.fail(first, "crashed", "it fell over", None, final=False)
    assert epoch_scores(engine, STUDY.study_id, CELLS, 1) == {}
    runs.record_epochs(begin(runs, 101), history(0.25, 0.75))
    assert epoch_scores(engine, STUDY.study_id, CELLS, 1) == {"cell0000": [0.75, 0.875]}


def test_a_cell_with_a_fold_without_score_is_left_out(engine: Engine, runs: Runs) -> None:
    rows = [EpochRow(0, 0, {"score": 0.5}), EpochRow(1, 0, {"score": math.nan})]
    runs.record_epochs(begin(runs, 100), rows)
    assert epoch_scores(engine, STUDY.study_id, CELLS, 0) == {}
