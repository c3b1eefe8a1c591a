"""What a dry run says."""

from __future__ import annotations

from study.config import StudyConfig
from study.dry_run import Cost, assumed_cost, dry_run, measured_cost
from study.plan import plan

CONFIG = StudyConfig(arms=("fixed", "direct"))
CELLS = plan(CONFIG)
COST = Cost(600.0, "known")


def test_cells_to_run_in_order_with_their_places() -> None:
    shown = dry_run(CELLS, 4, {CELLS[1].hash}, COST).splitlines()
    assert shown[0] == f"4 of the plan's {len(CELLS)} cells are asked for, 3 to run"
    assert [line.split(maxsplit=1) for line in shown[1:4]] == [
        [str(place), str(CELLS[place - 1])] for place in (1, 3, 4)
    ]
    assert shown[4].startswith("cost: 10 device-minutes a trial, 30 device-minutes in all")
    assert "(known)" in shown[4]


def test_finished_cells_beyond_n_do_not_count() -> None:
    assert "2 to run" in dry_run(CELLS, 2, {cell.hash for cell in CELLS[2:]}, COST)


def test_more_than_there_are() -> None:
    shown = dry_run(CELLS, 999, set(), COST)
    assert f"{len(CELLS)} to run (999 trials were asked for; there are no more cells)" in shown


def test_nothing_to_do_has_no_cost() -> None:
    shown = dry_run(CELLS, 3, {cell.hash for cell in CELLS}, COST)
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
