"""Figures of recorded studies, in each format of the report and as frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pandas as pd
import pytest

import study
from storage.engine import open_engine
from study.report.__main__ import main
from study.report.attempts import last_words
from study.report.conclusion import read
from study.report.text import render
from tests.study.recorded import ARMS, OTHER, database, every_kind_of_trial, recording

Report = Callable[[str], str]
"""Runs the command in a format and returns what it prints."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return every_kind_of_trial(tmp_path_factory.mktemp("recorded"))


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
    first = found["contrasts"][0]
    assert (first["arm"], first["view"], first["primary"]) == ("uncertainty", "declared", True)
    numbers = ("difference", "ci95", "p_corrected", "p_holm", "p_equivalent", "reachable")
    assert [first[name] for name in numbers] == [None] * 6
    assert first["note"] == "no complete trial of uncertainty in this view"
    assert (found["noise"], found["subjects"]) == ([], None)


def test_headline_names_figures_and_claims_nothing_beyond(report: Report) -> None:
    headline = json.loads(report("json"))["headline"]
    assert headline.startswith("No difference shown between direct (+.0000 [-.2201, .2201]) ")
    assert "from one trial an arm, as declared beforehand" in headline
    assert "1 of 2 direct trials did not move" in headline
    assert headline.endswith("not compared: uncertainty.")
    assert headline.count(". ") == 0, "one sentence"


def test_text_fits_80_columns_and_says_it_all(report: Report) -> None:
    text = report("text")
    assert max(map(len, text.splitlines())) <= 80
    assert "4 complete, 1 pruned, 1 failed, 1 running, 1 waiting" in text
    assert "alpha=0.7 nine_class_weight=0.2" in text
    assert "multiclass 0.5 to" in text
    assert "failed, non_finite_loss: 1 (1 for good); last: epoch 2, fold 1, kl" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["fixed", "2", "0.7450", "0.0354", "0.0212", "0.7700"] in rows
    assert ["equal", "0", "-", "-", "-", "-"] in rows
    counts = next(row for row in rows if row[:1] == ["direct"] and row[-1] == "4.0")
    assert counts[-6:-1] == ["1", "0", "0", "0", "0"]


def test_no_name_moves_a_terminals_cursor(url: str) -> None:
    engine = open_engine(url)
    summary, findings = read(engine, "study")
    summary = replace(summary, data="a\x1b[2Jb")
    engine.dispose()
    said = render(summary, findings)
    assert "a\\x1b[2Jb" in said
    assert all(line.isprintable() for line in said.split("\n"))


def test_markdown_tables_are_whole_whatever_reasons_hold(report: Report) -> None:
    blocks = report("markdown").split("\n\n")
    scores, *others = [block.splitlines() for block in blocks if block.startswith("| ")]
    assert len(scores) == 2 + len(ARMS)
    for table in (scores, *others):
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    lines = [line for block in blocks for line in block.splitlines()]
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
