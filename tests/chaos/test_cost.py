"""What our tables cost beside Optuna's: CPU time a trial, and that of a report."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.children import environment, run_all
from benchmarks.coordinator import Marks, each_trial, thousand_cells
from benchmarks.timing import interleaved, timed
from tests.chaos.databases import Database, Postgresql, Sqlite
from tests.chaos.record import Cost, record_cost
from tests.storage.postgres import Cluster

ALLOWED_MS = {"SQLite": 30.0, "PostgreSQL": 50.0}
"""CPU time a trial beyond Optuna's, 5 folds and 30 epochs. A server's own is not counted."""
ROUNDS, SIZES = 3, (10, 100)
"""Studies of so many trials, both ways in turn."""
LARGE = 1000
"""Trials of one more study of ours, held against the last of these in Optuna alone."""
PACED = (5, 0.1)
"""Trials, and seconds an epoch, of a study whose epochs come one by one."""
GROWTH = 1.5
"""Most that the last tenth of a thousand trials may take over the first."""
REPORT_SECONDS = 2.0

Databases = Callable[[], Database]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Makes new databases of one kind."""
    if request.param == "sqlite":
        return lambda: Sqlite(tmp_path / f"{len(list(tmp_path.iterdir()))}.db")
    server: Cluster = request.getfixturevalue("own_server")
    return lambda: Postgresql(server, server.create_database())


def test_a_trial(databases: Databases, tmp_path: Path) -> None:
    """No more than is allowed, no more for the thousandth, and a report at once."""
    costs = {f"{n} trials": compared(databases, n, ROUNDS, tmp_path) for n in SIZES}
    costs["epochs one by one"] = compared(databases, PACED[0], 1, tmp_path, pause=PACED[1])
    alone = costs[f"{SIZES[-1]} trials"].optuna
    large = databases()
    marks = marks_of("ours", large.url, LARGE, tmp_path)
    first, last = mean_ms([marks], slice(101)), mean_ms([marks], slice(-101, None))
    costs[f"first 100 of {LARGE}"] = Cost(first, alone)
    costs[f"last 100 of {LARGE}"] = Cost(last, alone)
    report = min(report_seconds(large) for _ in range(3))
    record_cost(large.kind, costs, report)
    assert max(cost.ours - cost.optuna for cost in costs.values()) <= ALLOWED_MS[large.kind], costs
    assert last <= GROWTH * first
    assert report <= REPORT_SECONDS


def compared(
    databases: Databases, trials: int, rounds: int, folder: Path, pause: float = 0.0
) -> Cost:
    """Run studies both ways, interleaved. Medians over rounds."""
    noted: dict[str, list[Marks]] = {"ours": [], "bare": []}

    def contender(who: str) -> Callable[[], None]:
        return lambda: noted[who].append(marks_of(who, databases().url, trials, folder, pause))

    interleaved({who: contender(who) for who in noted}, rounds)
    return Cost(mean_ms(noted["ours"]), mean_ms(noted["bare"]))


def marks_of(who: str, url: str, trials: int, folder: Path, pause: float = 0.0) -> Marks:
    with TemporaryDirectory(dir=folder) as own:
        given = {
            "config": thousand_cells().model_dump(),
            "trials": trials,
            "url": url,
            "folder": own,
            "pause": pause,
        }
        module = ["tests.chaos.contenders", who, json.dumps(given)]
        (said,) = run_all([module], environment(threads=1))
    marks: Marks = json.loads(said)
    return marks


def mean_ms(runs: Sequence[Marks], part: slice = slice(None)) -> float:
    """CPU time a trial, over the part of each study between the marks of `part`."""
    return statistics.median(1e3 * taken.cpu for taken in each_trial(runs, part))


def report_seconds(database: Database) -> float:
    """CPU time of `python -m study.report`, from its start to its end."""
    module = ["study.report", "--storage", database.url]
    return timed(lambda: run_all([module], environment(threads=1))).cpu
