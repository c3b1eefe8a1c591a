"""`python -m study.status --format prometheus`, read by the format's own grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.engine import open_engine
from study.plan import Cell
from study.report import activity, exposition
from study.report.activity import Activity, Running
from study.status import main
from tests.study.recorded import BASELINE, database, every_kind_of_trial, recording

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
HELP = re.compile(rf"# HELP ({NAME}) (?:[^\\\n]|\\[\\n])*")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge)")
SAMPLE = re.compile(rf"({NAME})\{{((?:{LABEL}(?:,(?=[a-zA-Z_])|(?=\}})))*)\}} (\S+)")
UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}

Labels = frozenset[tuple[str, str]]


def parsed(text: str) -> dict[str, dict[Labels, float]]:
    """Samples by metric. Each metric is one block: its help, its type, its samples, none twice."""
    assert text.endswith("\n")
    lines = iter(text.removesuffix("\n").split("\n"))
    found: dict[str, dict[Labels, float]] = {}
    name = ""
    for line in lines:
        if head := HELP.fullmatch(line):
            name = head[1]
            assert name not in found
            found[name] = {}
            kind = TYPE.fullmatch(next(lines))
            assert kind is not None
            assert kind[1] == name
            assert (kind[2] == "counter") == name.endswith("_total")
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == name
        labels = frozenset(_labels(sample[2]))
        assert labels not in found[name]
        found[name][labels] = float(sample[5])
    return found


def _labels(inside: str) -> Iterator[tuple[str, str]]:
    for name, value in re.findall(LABEL, inside):
        yield name, re.sub(r'\\[\\"n]', lambda escape: UNESCAPED[escape[0]], value)


def by(samples: dict[Labels, float], label: str) -> dict[str, float]:
    """Values by one label."""
    return {dict(labels)[label]: value for labels, value in samples.items()}


def read(url: str) -> Activity:
    engine = open_engine(url)
    try:
        return activity.read(engine, "study")
    finally:
        engine.dispose()


def said(url: str, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["--storage", url, "--format", form]) == 0
    return capsys.readouterr().out


def test_the_figures_are_those_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = every_kind_of_trial(tmp_path)
    found = parsed(said(url, "prometheus", capsys))
    other: dict[str, Any] = json.loads(said(url, "json", capsys))
    states = other["finished_by_state"] | {
        "running": len(other["running"]),
        "waiting": len(other["queue"]),
        "not_begun": other["plan"]["not_begun"],
    }
    assert by(found["study_trials"], "state") == states
    assert sum(states.values()) == other["plan"]["cells"]
    failures = by(found["study_failures_total"], "cause")
    assert {cause: n for cause, n in failures.items() if n} == {
        failure["cause"]: failure["count"] for failure in other["failures"]
    }
    assert failures["stalled"] == 0, "a counter is there before it counts"
    assert not {"interrupted", "lost_lease"} & failures.keys()
    assert by(found["study_device_seconds_total"], "study") == {"study": other["device_seconds"]}
    (oldest,) = found["study_oldest_progress_seconds"].values()
    assert oldest == pytest.approx(other["running"][0]["quiet_seconds"], abs=10)
    for samples in found.values():
        assert all(dict(labels)["study"] == "study" for labels in samples)


def test_running_trials_are_counted_by_place(tmp_path: Path) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        for multiplier in (0.1, 1.0):
            recorder.claim(Cell("direct", {"lr_multiplier": multiplier}), "host:7", "cuda:0")
        recorder.claim(BASELINE)
    study = ("study", "study")
    assert parsed(exposition.render(read(url)))["study_running"] == {
        frozenset({study, ("arm", "direct"), ("worker", "host:7"), ("device", "cuda:0")}): 2,
        frozenset({study, ("arm", "fixed"), ("worker", ""), ("device", "")}): 1,
    }


def test_what_is_not_known_has_no_sample(tmp_path: Path) -> None:
    url = database(tmp_path)
    with recording(url) as recorder:
        claim = recorder.claim(BASELINE)
        assert recorder.runs.release(claim.run_id, "interrupted")
    found = parsed(exposition.render(read(url)))
    assert found["study_oldest_progress_seconds"] == {}
    assert found["study_time_left_seconds"] == {}
    assert by(found["study_released_total"], "cause") == {"interrupted": 1, "lost_lease": 0}


TRIAL = Running(
    number=0, cell="c", arm="fixed", params={}, repeat=0, attempt=1, epoch=1, epochs=3, host="h",
    worker="w", device="cpu", since="2026-01-01T00:00:00+00:00",
    heard="2026-01-01T00:00:00+00:00", quiet_seconds=1.5, silent=False,
)  # fmt: skip
NOTHING = Activity(
    study="s", seen="2026-01-01T00:00:00+00:00", finished=0, finished_by_state={}, running=(),
    queue=(), plan=None, failures=(), released={}, device_seconds=1e-7, time_left=None,
    time_left_plan=None,
)  # fmt: skip


@given(*[st.text(st.characters(codec="utf-8"))] * 3)
def test_any_name_survives(study: str, worker: str, device: str) -> None:
    trial = replace(TRIAL, worker=worker, device=device)
    found = parsed(exposition.render(replace(NOTHING, study=study, running=(trial,))))
    labels = {("study", study), ("arm", "fixed"), ("worker", worker), ("device", device)}
    assert found["study_running"] == {frozenset(labels): 1}


@pytest.mark.parametrize(
    "broken",
    [
        'a{b="c} 1',
        'a{b="c"d"} 1',
        'a{b="c\\d"} 1',
        'a{b="c",} 1',
        'a{1b="c"} 1',
        'a-b{b="c"} 1',
        'a{b="c"}',
    ],
)
def test_the_grammar_refuses_what_is_broken(broken: str) -> None:
    assert SAMPLE.fullmatch('a{b="c",d=""} 1')
    assert not SAMPLE.fullmatch(broken)
