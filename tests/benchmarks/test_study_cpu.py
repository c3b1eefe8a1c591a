"""The study rows: both sides train the same, and what each found is told apart."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from benchmarks import study_cpu
from benchmarks.children import clear_environment, environment, run_all
from benchmarks.study_cpu import BASELINES, OURS, SIZE, WARM_UP, Size, Studies, batches_of, row
from benchmarks.timing import Taken
from model.data.batches import DeviceData, TrainBatches
from model.data.streams import BatchPlan, Streams
from model.device import resolve_device
from study.plan import plan
from study.run_arguments import RunParser
from study.sequences import study_sequences
from study.sources import resolve


def command(monkeypatch: pytest.MonkeyPatch, size: Size) -> tuple[list[str], Mapping[str, str]]:
    """What is started for ours, without starting it."""
    started: list[tuple[list[str], Mapping[str, str]]] = []

    def note(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[str]:
        started.extend((list(command), env) for command in commands)
        return [""]

    monkeypatch.setattr(study_cpu, "run_all", note)
    monkeypatch.setattr(study_cpu, "values_of", lambda _, size: [0.0] * size.trials)
    Studies(size).ours()
    return started[0]


@pytest.mark.parametrize("size", [SIZE, WARM_UP])
def test_ours_is_the_study_that_the_baselines_are_given(
    size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    (module, *flags), env = command(monkeypatch, size)
    assert module == "study.run"
    settings = {name: value for name, value in env.items() if name.startswith("STUDY_")}
    config, options = resolve(RunParser().parse(flags), settings)
    assert config == size.config()
    assert (options.n_trials, options.workers, options.device) == (size.trials, 2, "cpu")
    assert env["OMP_NUM_THREADS"] == "1"
    weights = [cell.params["alpha"] for cell in plan(config)[: size.trials]]
    assert [loss.alpha for loss in size.losses()] == weights


def told(command: Sequence[str]) -> str:
    """What the plain study would print, its values taken from the losses it was given."""
    losses = json.loads(command[1])["losses"]
    values = [loss["alpha"] for loss in losses]
    steps = 10 * len(losses)
    return json.dumps({"values": values, "steps": steps, "mean_length": steps, "threads": 1})


def test_two_processes_share_the_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    size = Size(trials=5)
    monkeypatch.setattr(study_cpu, "run_all", lambda commands, _: list(map(told, commands)))
    studies = Studies(size)
    studies.baseline("study-cpu-tuned")
    found = studies.found["study-cpu-tuned"]
    assert found["values"] == [loss.alpha for loss in size.losses()]
    assert found["fold_steps"] == 50
    assert found["mean_length"] == (30 * 30 + 20 * 20) / 50


def test_threads_are_set_or_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment(1)["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in environment(None)
    assert [way.threads for way in BASELINES.values()] == [None, 1, 1]


def test_settings_that_figures_must_not_depend_on_are_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("STUDY_FOLDS", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS", "STUDY_CACHE", "HOME")
    monkeypatch.setattr(os, "environ", dict.fromkeys(names, "1"))
    clear_environment()
    assert environment(None).keys() == {"STUDY_CACHE", "HOME"}


def test_a_process_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)benchmarks: exit code 2.*no row named 'x'"):
        run_all([["benchmarks", "--list"], ["benchmarks", "x"]], environment(1))


def test_a_row_compares_its_own_baseline() -> None:
    timings = {
        OURS: [Taken(10.0, 20.0)] * 2,
        "study-cpu": [Taken(50.0, 60.0)] * 2,
        "study-cpu-pinned": [Taken(40.0, 40.0)] * 2,
    }
    found = {name: {"values": [0.5, 0.7], "mean_length": 61.0} for name in timings}
    made = row("study-cpu-pinned", Size(trials=2), timings, found)
    assert made.ratio is not None
    assert made.ratio.median == 4.0
    assert made.details["cpu_time_ratio"] == 2.0
    assert made.details["taken"]["plain"]["wall_s"] == 40.0
    assert made.details["taken"]["stack"]["mean_length"] == 61.0
    assert made.details["taken"]["stack"]["mean_value"] == pytest.approx(0.6)


def test_batches_are_those_that_training_uses() -> None:
    config = WARM_UP.config()
    sequences = study_sequences(config)
    streams = Streams(sequences, config.folds, config.seed, config.features.normalise)
    batches = BatchPlan.of(config.seed, len(sequences), config.folds, config.training.batch_size)
    data = DeviceData(sequences, config.features.max_length, resolve_device("cpu"))
    epoch = TrainBatches(data, streams.of_repeat(0), batches, 0, 0.0, 0)
    lengths = [batch.x.shape[2] for batch in epoch]
    found = batches_of(WARM_UP)
    assert found["mean_length"] == pytest.approx(np.mean(lengths))
    assert found["fold_steps"] == len(lengths) * config.folds * WARM_UP.trials
