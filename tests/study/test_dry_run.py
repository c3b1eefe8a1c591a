"""What a dry run says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from study.config import RunOptions, StudyConfig
from study.dry_run import ASSUMED_SD, Cost, assumed_cost, dry_run, in_reach, measured_cost
from study.known import Known
from study.plan import Cell, plan
from study.stages import Stages

CONFIG = StudyConfig(arms=("fixed", "direct"))
CELLS = plan(CONFIG)
COST = Cost(600.0, "known")


def stages(n_trials: int, config: StudyConfig = CONFIG, **options: object) -> Stages:
    given = {"n_trials": n_trials} | options
    return Stages(config, RunOptions.model_validate(given))


def shown_for(n_trials: int, done: Sequence[Cell] = (), **options: object) -> str:
    """What is said when some cells are finished, each better than the one before."""
    results = {cell.hash: Known("complete", i / 100) for i, cell in enumerate(done)}
    return dry_run(stages(n_trials, CONFIG, **options), n_trials, results, COST)


def test_cells_to_run_in_order_with_their_places() -> None:
    shown = shown_for(4, [CELLS[1]]).splitlines()
    assert shown[0] == f"4 of the plan's {len(CELLS)} cells are asked for, 3 to run"
    assert [line.split(maxsplit=1) for line in shown[1:4]] == [
        [str(place), str(CELLS[place - 1])] for place in (1, 3, 4)
    ]
    assert shown[4].startswith("cost: 10 device-minutes a trial, 30 device-minutes in all")
    assert "(known)" in shown[4]


def test_finished_cells_beyond_n_do_not_count() -> None:
    assert "2 to run" in shown_for(2, CELLS[2:])


def test_more_than_there_are() -> None:
    shown = shown_for(999)
    assert f"{len(CELLS)} to run (999 trials were asked for; there are no more cells)" in shown


def test_nothing_to_do_has_no_cost() -> None:
    shown = shown_for(3, CELLS)
    assert "0 to run" in shown
    assert "cost" not in shown


def test_measured_cost_wins_where_there_is_one() -> None:
    assert measured_cost([]) is None
    measured = measured_cost([1.0, 9.0, 2.0])
    assert measured is not None
    assert measured.device_seconds == 2.0
    assert "3 trials" in measured.basis


def test_assumed_cost_grows_with_the_work_and_says_what_it_assumes() -> None:
    one = assumed_cost(CONFIG, 1000)
    twice = assumed_cost(CONFIG.model_copy(update={"folds": 2 * CONFIG.folds}), 1000)
    assert (
        twice.device_seconds == 2 * one.device_seconds == assumed_cost(CONFIG, 2000).device_seconds
    )
    assert "assumed 0.4 ms" in one.basis
    assert "1,000 sequences x 5 folds x 30 epochs" in one.basis


def test_what_will_confirm_is_named_as_far_as_results_tell() -> None:
    shown = shown_for(3, confirm=2).splitlines()
    assert shown[0].endswith("5 to run; 2 of the cells below confirm")
    assert [line.split()[-1] for line in shown[4:6]] == ["repeat=1", "repeat=2"]
    assert "at most 4 cells more that confirm" in shown[6]
    assert "50 device-minutes to 90 device-minutes in all" in shown[7]


def test_nothing_more_may_come_when_the_search_is_finished() -> None:
    shown = shown_for(3, CELLS[:3], confirm=2)
    assert "6 to run" in shown
    assert shown.count("repeat=1") == 3
    assert "60 device-minutes in all" in shown


@pytest.mark.parametrize("arms", [("fixed",), ("direct", "uncertainty")])
def test_a_study_that_compares_nothing_has_nothing_in_reach(arms: tuple[str, ...]) -> None:
    config = StudyConfig.model_validate({"arms": arms})
    assert in_reach(config, stages(1, config), None) is None


def test_repeats_bring_smaller_differences_in_reach() -> None:
    once, often = in_reach(CONFIG, stages(3), None), in_reach(CONFIG, stages(3, confirm=5), None)
    assert once is not None
    assert often is not None
    assert _difference(often) < _difference(once)
    assert f"{ASSUMED_SD:.4f}, assumed" in once
    assert "(5 x 5 folds, 1 learned arm)" in often


def test_what_the_study_has_shown_counts() -> None:
    shown = in_reach(CONFIG, stages(3), 2 * ASSUMED_SD)
    assumed = in_reach(CONFIG, stages(3), None)
    assert shown is not None
    assert assumed is not None
    assert _difference(shown) == pytest.approx(2 * _difference(assumed), abs=2e-4)
    assert "as this study has shown" in shown


def _difference(said: str) -> float:
    return float(said.split("a difference of ")[1].split(maxsplit=1)[0])
