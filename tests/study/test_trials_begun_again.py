"""Every step that needs the database is cut off at each of its commits in turn, before it and
after it, and begun again: what comes out is as if nothing had happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from storage import queries
from storage.errors import UnavailableError
from storage.rows import CellRef
from study.opening import Database
from tests.study.commands import rows
from tests.study.processes import PLACE, Process, optuna_trials, report, result

T = TypeVar("T")
COMMITS = 16
"""More than the longest road here takes, so that each of its commits is cut off once."""


@dataclass
class Cut:
    """Cuts off one commit, counted from 0, of those that two engines make."""

    at: int
    is_made: bool
    """Whether the commit is made all the same, and only its answer is lost."""
    count: int = 0

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "commit", self._commit)

    def end(self) -> None:
        """Cut off nothing more. The last of all cuts lies beyond the end of the road."""
        assert self.at < COMMITS - 1 or self.count <= self.at
        self.at = -1

    def _commit(self, connection: Connection) -> None:
        self.count += 1
        if self.count != self.at + 1:
            return
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        if self.is_made:
            driver.commit()
        else:
            driver.rollback()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise OperationalError("COMMIT", None, error)


@pytest.fixture(params=[False, True], ids=["undone", "answer lost"])
def is_made(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=range(COMMITS))
def cut(
    request: pytest.FixtureRequest,
    is_made: bool,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Cut:
    """Nothing but the outbox and its like does anything again."""
    monkeypatch.setattr("storage.engine.RETRY_SECONDS", 0.0)
    made = Cut(request.param, is_made=is_made)
    for engine in (database.engine, database.optuna.engine):
        made.listen(engine)
    return made


def again(work: Callable[[], T]) -> T:
    """Begin again as an outage that is over has it done."""
    with suppress(UnavailableError):
        return work()
    return work()


def test_a_trial_that_ends_well(
    process: Process,
    cells: list[CellRef],
    database: Database,
    study: optuna.Study,
    url: str,
    cut: Cut,
) -> None:
    claimed = again(lambda: process.trials.claim(cells[:1], 1))
    (trial,) = again(lambda: process.trials.start(claimed, PLACE))
    for epoch in range(3):
        assert process.trials.report(trial, report(trial, epoch, 0.1 * (epoch + 1)))
        again(process.trials.flush)
    assert again(lambda: process.trials.complete(trial, result(trial), PLACE))
    again(process.trials.reconcile)
    cut.end()
    assert [(row.state, row.attempt) for row in rows(url)] == [("complete", 1)]
    study_id = queries.study_by_name(database.engine, "study").study_id
    assert len(queries.fold_rows(database.engine, study_id)) == 2
    assert len(queries.epoch_rows(database.engine, study_id)) == 2 * 3
    shown = [t for t in optuna_trials(study) if t.state != TrialState.FAIL]
    assert [t.state for t in shown] == [TrialState.COMPLETE]
    assert shown[0].value == pytest.approx(0.8)
    assert shown[0].intermediate_values == pytest.approx({0: 0.1, 1: 0.2, 2: 0.3})
    assert process.trials.count_held() == 0


def test_a_trial_that_fails(
    process: Process,
    cells: list[CellRef],
    study: optuna.Study,
    url: str,
    cut: Cut,
) -> None:
    claimed = again(lambda: process.trials.claim(cells[:1], 1))
    (trial,) = again(lambda: process.trials.start(claimed, PLACE))
    assert process.trials.report(trial, report(trial, 0, 0.1))
    assert (
        again(lambda: process.trials.fail(trial, "exception", "it fell over", "a log")) == "retry"
    )
    again(process.trials.reconcile)
    cut.end()
    assert [(row.state, row.cause) for row in rows(url)] == [("retry", "exception")]
    assert {t.state for t in optuna_trials(study)} == {TrialState.FAIL}
    assert "it fell over" in {t.user_attrs.get("reason") for t in optuna_trials(study)}
    assert process.trials.count_held() == 0
