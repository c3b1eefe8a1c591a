"""Databases that released versions left are taken up with all that is in them."""

from __future__ import annotations

import json

import pytest
from alembic import command
from sqlalchemy import Engine, text

from storage import queries, studies
from storage.audit import audit
from storage.engine import open_engine, reading, writing
from storage.optuna_schema import open_optuna
from storage.schema import alembic_config, head, revisions, upgrade
from storage.truth import record_truth, truth
from study import status
from study.report.__main__ import main as report
from tests.storage.every_state import (
    EPOCHS,
    FOLDS,
    MADE_OF,
    NAME,
    SCORES,
    STATES,
    STOPPING,
    TRUTH,
)
from tests.storage.processes import at_once
from tests.storage.schemas.dump import FOLDER, dump_of

BACKENDS = ("sqlite", "postgresql")


def test_every_revision_has_left_its_dumps() -> None:
    there = {path.name for path in FOLDER.glob("*.sql")}
    wanted = {dump_of(backend, revision).name for backend in BACKENDS for revision in revisions()}
    assert there == wanted, "run python -m tests.storage.schemas.dump"


def test_what_a_released_version_left_is_read(
    released: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upgrade(released) == head()
    found = audit(released)
    assert [(study.name, study.states) for study in found.studies] == [(NAME, STATES)]
    codes = {finding.code for finding in found.findings}
    assert codes == {"lease_ran_out", "running_without_claim"}  # of the trial that was running
    given = ["--storage", released, "--study-name", NAME]
    assert report([*given, "--format", "json"]) == 0
    json.loads(capsys.readouterr().out)
    for main, said in ((report, "2 complete"), (status.main, "1 running")):
        assert main(given) == 0
        assert said in capsys.readouterr().out


def test_an_older_study_is_told_to_upgrade_first(
    released: str, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = report(["--storage", released, "--study-name", NAME])
    shown = capsys.readouterr()
    if revision == head():
        assert (code, shown.err) == (0, "")
        return
    assert (code, shown.out, shown.err.count("\n")) == (2, "", 1)
    told = f"expected schema {head()}, found the older {revision}; run python -m storage upgrade"
    assert told in shown.err


def test_true_labels_and_a_stopping_rule_are_there_since_0002(released: str, revision: str) -> None:
    upgrade(released)
    engine = open_engine(released)
    study = queries.study_by_name(engine, NAME)
    is_new = revision >= "0002"
    assert truth(engine, study.study_id, MADE_OF.data) == (TRUTH if is_new else None)
    assert studies.stopping(engine, study.study_id) == (STOPPING if is_new else None)
    record_truth(engine, study.study_id, MADE_OF.data, TRUTH)
    studies.fix_stopping(engine, study.study_id, STOPPING)
    assert truth(engine, study.study_id, MADE_OF.data) == TRUTH
    assert studies.stopping(engine, study.study_id) == STOPPING
    engine.dispose()


def test_the_way_back_keeps_what_the_older_version_knows(released: str, revision: str) -> None:
    upgrade(released)
    engine = open_engine(released)
    before = kept(engine)
    with writing(engine) as session:
        command.downgrade(alembic_config(session.connection()), revisions()[0])
    assert kept(engine) == before
    upgrade(released)
    assert studies.stopping(engine, queries.study_by_name(engine, NAME).study_id) is None
    engine.dispose()


def kept(engine: Engine) -> dict[str, int]:
    """How many rows there are in the tables of the first version."""
    tables = ("study_record", "trial_run", "fold_score", "epoch_metric", "oof_prediction")
    with reading(engine) as session:
        return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}


def test_values_are_what_they_were(released: str) -> None:
    upgrade(released)
    engine = open_engine(released)
    study = queries.study_by_name(engine, NAME)
    assert (study.config["folds"], study.config["training"]["epochs"]) == (FOLDS, EPOCHS)
    rows = queries.trial_rows(engine, study.study_id)
    assert [(row.state, row.attempt, row.cause, row.value) for row in rows] == [
        ("complete", 1, None, 0.625),
        ("pruned", 1, None, 0.1),
        ("retry", 1, "exception", None),
        ("failed", 2, "exception", None),
        ("released", 1, "interrupted", None),
        ("complete", 1, None, pytest.approx(0.65)),
        ("running", 1, None, None),
    ]
    assert {(row.code_hash, row.data_hash, row.config_hash) for row in rows} == {("m", "d", "c")}
    assert rows[2].cell == rows[3].cell
    assert queries.log_tail(engine, rows[3].run_id) == "the log's end"
    first = rows[0].trial_id
    folds = [fold for fold in queries.fold_rows(engine, study.study_id) if fold.trial_id == first]
    assert tuple(fold.score for fold in folds) == SCORES
    oof = queries.oof_rows(engine, study.study_id, [first] if first is not None else [])
    assert [(row.predicted, row.sequence_ids) for row in oof] == [
        (bytes([k, 17]), ("é", "b")) for k in range(FOLDS)
    ]
    histories = queries.epoch_rows(engine, study.study_id, ["score", "weight_kl", "train_kl"])
    assert len(histories) == FOLDS * (2 * EPOCHS + 2 + 1)
    assert histories[:EPOCHS] == [
        (first, 0, epoch, 0.1 * epoch, 0.25, None) for epoch in range(EPOCHS)
    ]
    with reading(engine) as session:
        extra = session.scalar(text("SELECT extra FROM epoch_metric"))
    assert (json.loads(extra) if isinstance(extra, str) else extra) == {"temperature": 2.0}
    engine.dispose()
    _optuna_has_the_same(released)


def _optuna_has_the_same(url: str) -> None:
    storage = open_optuna(url, reads_only=True)
    trials = storage.get_all_trials(storage.get_study_id_from_name(NAME))
    names = ["COMPLETE", "PRUNED", "FAIL", "FAIL", "FAIL", "COMPLETE", "RUNNING"]
    assert [trial.state.name for trial in trials] == names
    assert trials[0].value == 0.625
    assert trials[0].intermediate_values == {epoch: 0.1 * epoch for epoch in range(EPOCHS)}
    assert trials[0].params["arm"] == trials[0].user_attrs["arm"] == "fixed"
    assert trials[3].user_attrs["reason"] == "ValueError: wrong"
    storage.engine.dispose()


def test_upgrades_at_once(released: str) -> None:
    at_once(8, _upgrade, released)
    assert upgrade(released) == head()


def _upgrade(_: int, url: str) -> None:
    upgrade(url)
