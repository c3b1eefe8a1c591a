from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import optuna
import pytest

import study
from benchmarks import coordinator, instant
from benchmarks.plain import optuna_study
from study.config import StudyConfig
from study.plan import plan

SMALL = StudyConfig.model_validate({"folds": 2, "training": {"epochs": 3}})


def argument(folder: Path, trials: int) -> str:
    return json.dumps(
        {"config": SMALL.model_dump(), "trials": trials, "folder": str(folder), "pause": 0}
    )


def marks(said: str) -> np.ndarray:
    found = np.array(json.loads(said))
    assert (np.diff(found, axis=0) >= 0).all()
    return found


def assert_optuna_holds(url: str, count: int) -> None:
    """The first cells of the plan, each with all its epochs and a value."""
    (name,) = optuna.get_all_study_names(url)
    trials = optuna.load_study(study_name=name, storage=url).trials
    assert [t.params for t in trials] == [{"arm": c.arm, **c.params} for c in plan(SMALL)[:count]]
    assert all(t.state == optuna.trial.TrialState.COMPLETE for t in trials)
    assert all(list(t.intermediate_values) == [0, 1, 2] for t in trials)


def test_there_are_cells_for_the_largest_study() -> None:
    assert len(plan(coordinator.thousand_cells())) >= max(coordinator.SIZES)


def test_time_between_marks_is_shared_out_over_trials() -> None:
    run = [(10.0, 1.0), (11.0, 1.1), (12.0, 1.3), (16.0, 1.9)]
    (whole,) = coordinator.each_trial([run])
    assert (whole.wall, whole.cpu) == pytest.approx((2.0, 0.3))
    (last,) = coordinator.each_trial([run], slice(-2, None))
    assert (last.wall, last.cpu) == pytest.approx((4.0, 0.6))


def test_rounds_are_compared_one_by_one() -> None:
    ours = [[(0.0, 0.0), (1.0, cpu)] for cpu in (0.010, 0.040, 0.020)]
    bare = [[(0.0, 0.0), (1.0, cpu)] for cpu in (0.001, 0.030, 0.012)]
    found = coordinator.compared({coordinator.OURS: ours, coordinator.BARE: bare}, slice(None))
    assert found == pytest.approx({"ours_ms": 20, "optuna_ms": 12, "beyond_ms": 9})


def test_optuna_alone_runs_the_same_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    optuna_study.main(argument(tmp_path, trials=3))
    assert len(marks(capsys.readouterr().out)) == 3
    assert_optuna_holds(f"sqlite:///{tmp_path}/study.db", 3)


def test_the_coordinator_writes_everything_a_trial_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (instant.COORDINATOR, instant.JOURNAL, instant.PAUSE):
        monkeypatch.setenv(name, "")  # put back afterwards
    instant.main(argument(tmp_path, trials=2))
    assert len(marks(capsys.readouterr().out)) == 2
    assert_optuna_holds(f"sqlite:///{tmp_path}/study.db", 2)
    trials, folds, epochs = study.results(f"sqlite:///{tmp_path}/study.db", "study")
    assert len(trials) == 2
    assert len(folds) == 2 * 2
    assert len(epochs) == 2 * 2 * 3
    assert set(instant.METRICS) <= set(epochs.columns)


@pytest.mark.slow
def test_a_row() -> None:
    row = coordinator.measure(repeats=1, sizes=(2, 4), config=SMALL, paced=(2, 0.05))
    assert row.ratio is not None
    assert 0 < row.ratio.median < math.inf
    for found in (row.details["trials"]["4"], row.details["epochs_one_by_one"]):
        assert all(math.isfinite(value) for value in found.values())
