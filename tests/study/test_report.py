"""`python -m study.report` and `study.results` on recorded studies."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import optuna
import pandas as pd
import pytest
from optuna_dashboard import get_note

import study
from storage.optuna_schema import open_optuna
from study.config import StudyConfig
from study.plan import Cell
from study.report.__main__ import main
from study.report.attempts import last_words
from study.report.note import refresh_note
from tests.study.recorded import BASELINE, LOSSES, WEIGHTS, database, recording

ARMS = ("fixed", "uncertainty", "direct", "equal")
OTHER = replace(BASELINE, params={**BASELINE.params, "alpha": 0.7})
DIRECT = Cell("direct", {"lr_multiplier": 0.1})
FAST_DIRECT = Cell("direct", {"lr_multiplier": 100.0})
UNCERTAINTY = Cell("uncertainty", {"s_init": "zero", "lr_multiplier": 0.1})
Report = Callable[[str], str]
"""Runs the command in a format and returns what it prints."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A study in which every kind of trial happened."""
    url = database(tmp_path_factory.mktemp("recorded"))
    with recording(url, config=StudyConfig(arms=ARMS, folds=2)) as recorder:
        recorder.complete(BASELINE, [0.70, 0.74], seconds=3.0)
        recorder.complete(OTHER, [0.76, 0.78], seconds=5.0)
        recorder.complete(DIRECT, [0.71, 0.73])
        lost = {"weight_multiclass": 0.999, "weight_binary": 0.001, "alpha": 0.999}
        recorder.complete(FAST_DIRECT, [0.50, 0.60], last=WEIGHTS | LOSSES | lost)
        recorder.fail(UNCERTAINTY, "exception", "ValueError: first try", final=False)
        recorder.fail(UNCERTAINTY, "non_finite_loss", "epoch 2, fold 1, kl", final=True)
        recorder.prune(Cell("fixed", {**BASELINE.params, "alpha": 0.9}), 0.4)
        recorder.fail(Cell("equal"), "crashed", "signal 9 | out\nof memory", final=False)
        recorder.claim(Cell("fixed", {**BASELINE.params, "alpha": 0.3}))
    return url


@pytest.fixture
def report(url: str, capsys: pytest.CaptureFixture[str]) -> Report:
    def run(form: str) -> str:
        assert main(["--storage", url, "--format", form]) == 0
        return capsys.readouterr().out

    return run


def test_json_counts_cells_by_what_became_of_them(report: Report) -> None:
    found = json.loads(report("json"))
    assert (found["study"], found["data"]) == ("study", "wisdm51")
    counts = {"complete": 4, "pruned": 1, "failed": 1, "running": 1, "waiting": 1}
    assert found["trials"] == counts


def test_json_has_the_numbers_of_each_arm(report: Report) -> None:
    found = json.loads(report("json"))
    assert [arm["arm"] for arm in found["arms"]] == list(ARMS)
    fixed = found["arms"][0]
    assert fixed["trials"] == 2
    assert fixed["mean"] == pytest.approx(0.745)
    assert fixed["sd"] == pytest.approx(stdev([0.72, 0.77]))
    assert fixed["fold_sd"] == pytest.approx((stdev([0.70, 0.74]) + stdev([0.76, 0.78])) / 2)
    assert fixed["best"] == pytest.approx(0.77)
    assert fixed["best_params"] == OTHER.params
    assert fixed["device_seconds"] == pytest.approx(3 + 5 + 1)
    assert (fixed["pruned"], fixed["failed"], fixed["retried"]) == (1, 0, 0)
    assert (fixed["unmoved"], fixed["collapsed"]) == (0, 0), "nothing learned, nothing to flag"


def test_json_flags_learned_trials(report: Report) -> None:
    fixed, _, direct, *_ = json.loads(report("json"))["arms"]
    assert fixed["best_weights"] is None
    assert {start for start, _ in direct["best_weights"].values()} == {0.5, 0.2, 0.1}
    assert (direct["trials"], direct["unmoved"], direct["collapsed"]) == (2, 1, 1)


def test_json_has_null_for_what_does_not_exist(report: Report) -> None:
    found = json.loads(report("json"), parse_constant=pytest.fail)
    uncertainty = found["arms"][1]
    assert (uncertainty["trials"], uncertainty["failed"], uncertainty["retried"]) == (0, 1, 1)
    assert [uncertainty[name] for name in ("mean", "sd", "best", "best_params")] == [None] * 4
    assert (found["contrasts"], found["detectable_difference"]) == ([], None)


def test_headline_names_figures_and_claims_nothing_beyond(report: Report) -> None:
    headline = json.loads(report("json"))["headline"]
    assert "fixed 0.745 (SD 0.035, 2 trials)" in headline
    assert "direct 0.635 (SD 0.120, 2 trials)" in headline
    assert headline.endswith("too few repeats to say which is better.")
    assert headline.count(". ") == 0, "one sentence"


def test_text_fits_80_columns_and_says_it_all(report: Report) -> None:
    text = report("text")
    assert max(map(len, text.splitlines())) <= 80
    assert "4 complete, 1 pruned, 1 failed, 1 running, 1 waiting" in text
    assert "best fixed: alpha=0.7 nine_class_weight=0.2 kl_weight=0.1" in text
    assert "weights: multiclass 0.50 to" in text
    assert "failed, non_finite_loss: 1 (1 for good); last: epoch 2, fold 1, kl" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["fixed", "2", "0.7450", "0.0354", "0.0212", "0.7700", "9.0"] in rows
    assert ["direct", "1", "1", "0", "0", "0"] in rows
    assert ["equal", "0", "-", "-", "-", "-", "0.5"] in rows


def test_markdown_is_one_table_whatever_reasons_hold(report: Report) -> None:
    lines = report("markdown").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    assert len(table) == 2 + len(ARMS)
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert any(r"signal 9 \| out of memory" in line for line in lines)


def test_output_goes_to_a_file(url: str, tmp_path: Path, report: Report) -> None:
    assert main(["--storage", url, "--output", str(tmp_path / "report.txt")]) == 0
    assert (tmp_path / "report.txt").read_text() == report("text")


def test_results_are_tidy_frames(url: str) -> None:
    found = study.results(url, "study")
    assert len(found.trials) == 9
    assert set(found.trials["state"]) == {"complete", "failed", "retry", "pruned", "running"}
    complete = found.trials[found.trials["state"] == "complete"].set_index("number")
    pd.testing.assert_series_equal(
        found.folds.groupby("number")["score"].mean(),
        complete["value"].astype(float),
        check_names=False,
    )
    assert complete["param_lr_multiplier"].dropna().tolist() == [0.1, 100.0]
    assert len(found.epochs) == 4 * 2 * 2
    assert {"arm", "repeat", "fold", "epoch", "weight_kl", "val_total"} <= set(found.epochs)


def test_results_of_an_empty_study_have_all_columns(tmp_path: Path) -> None:
    url = database(tmp_path)
    with recording(url):
        pass
    found = study.results(url, "study")
    assert [len(frame) for frame in found] == [0, 0, 0]
    assert {"trial_id", "state", "value"} <= set(found.trials)
    assert {"fold", "score", "arm"} <= set(found.folds)


def test_note_holds_the_table_and_is_written_once(tmp_path: Path) -> None:
    url = database(tmp_path)
    trials = optuna.create_study(storage=open_optuna(url), study_name="study")
    with recording(url, study_id=trials._study_id) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
        assert refresh_note(url, "study")
        assert "| fixed | 1 | 0.7500 |" in get_note(trials)
        assert not refresh_note(url, "study")
        recorder.complete(OTHER, [0.8, 0.9])
        assert refresh_note(url, "study")
        assert "| fixed | 2 | 0.8000 |" in get_note(trials)


def test_empty_study_is_no_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = database(tmp_path)
    with recording(url):
        pass
    assert main(["--storage", url]) == 0
    said = capsys.readouterr().out
    assert "no trials yet" in said
    assert "No trial has completed yet." in said


def test_study_of_failed_trials_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        recorder.fail(BASELINE, "non_finite_loss", "epoch 0, fold 0, binary", final=True)
    assert main(["--storage", url]) == 0
    said = capsys.readouterr().out
    assert "No trial has completed yet; 1 failed for good." in said
    assert "epoch 0, fold 0, binary" in said
    assert "nan" not in said


def test_unknown_study_lists_those_there_are(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "stduy"]) == 2
    assert capsys.readouterr().err == ("expected study 'stduy' in the storage, found 'study'\n")


def test_missing_database_is_not_created(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert "there is no such database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_newer_schema_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = database(tmp_path)
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("UPDATE study_alembic_version SET version_num = '9999'")
    connection.close()
    assert main(["--storage", url]) == 2
    assert "which a newer version made" in capsys.readouterr().err


def test_output_that_cannot_be_written(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", url, "--output", str(tmp_path / "no" / "report.txt")]) == 2
    assert f"folder {tmp_path / 'no'} does not exist; create it first" in capsys.readouterr().err


def test_output_replaces_a_file_and_leaves_nothing_beside_it(url: str, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text("old")
    assert main(["--storage", url, "--output", str(report)]) == 0
    assert report.read_text().startswith("study 'study'")
    assert list(tmp_path.iterdir()) == [report]


def test_a_name_no_study_can_have(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", url, "--study-name", "x\udcff"]) == 2
    assert "found 'study'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "last"),
    [
        ("the worker was killed by SIGKILL", "the worker was killed by SIGKILL"),
        (
            'Traceback (most recent call last):\n  File "a.py"\n    go()\nOSError: no\n',
            "OSError: no",
        ),
        ("Traceback (most recent call last):\n  go()\nE: out of\nmemory", "E: out of memory"),
    ],
)
def test_of_a_traceback_the_error_is_shown(reason: str, last: str) -> None:
    assert last_words(reason) == last


@pytest.mark.parametrize("module", ["study.report", "study.dashboard", "study.status"])
def test_help_imports_nothing_heavy(module: str) -> None:
    probe = (
        "import runpy, sys, atexit\n"
        "heavy = {'torch', 'pandas', 'sqlalchemy', 'optuna', 'sklearn', 'pytorch_lightning'}\n"
        "atexit.register(lambda: print('heavy:', sorted(heavy & set(sys.modules))))\n"
        f"sys.argv = [{module!r}, '--help']\n"
        f"runpy.run_module({module!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stdout
