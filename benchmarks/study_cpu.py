"""Rows `study-cpu`, `study-cpu-pinned`, `study-cpu-tuned`: a study from start to exit.

Ours is `python -m study.run` on a fresh SQLite file, report included. Each
baseline trains the same trials with Lightning, fold after fold: the same losses,
network, people, folds, epochs and batch size. All start from cached features and
cached byte code.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.children import environment, run_all
from benchmarks.result import Row
from benchmarks.timing import Timings, interleaved, ratio_of, summary
from model.config import LossConfig
from study.arms import loss_config
from study.config import StudyConfig
from study.plan import plan
from study.presets import PRESETS

OURS, WORKERS = "stack", 2


@dataclass(frozen=True)
class Size:
    """Of the study; everything else is the preset `quick`."""

    trials: int = 8
    subjects: int = 16
    folds: int = 3
    epochs: int = 6

    def config(self) -> StudyConfig:
        """The study of that size with the arm `fixed`."""
        preset = PRESETS["quick"]
        size = {"subjects": self.subjects, "folds": self.folds, "arms": ["fixed"]}
        training = {**preset["training"], "epochs": self.epochs}
        return StudyConfig.model_validate({**preset, **size, "training": training})

    def losses(self) -> list[LossConfig]:
        """Of each trial: those of the first cells of the study's plan."""
        config = self.config()
        cells = plan(config)[: self.trials]
        return [loss_config(cell.arm, cell.params, config.loss) for cell in cells]


SIZE = Size()
WARM_UP = Size(trials=2, subjects=6, folds=2, epochs=1)
"""Fills caches before anything is timed."""


@dataclass(frozen=True)
class Baseline:
    """One way to train the trials without stacks."""

    about: str
    must: float
    bucketed: bool = False
    threads: int | None = None
    """None for torch's default."""
    processes: int = 1


BASELINES: Mapping[str, Baseline] = {
    "study-cpu": Baseline(
        "Lightning, random batches padded to the longest, torch's default threads, one process",
        must=4,
    ),
    "study-cpu-pinned": Baseline(
        "Lightning, random batches padded to the longest, one thread, one process",
        must=4.5,
        threads=1,
    ),
    "study-cpu-tuned": Baseline(
        "Lightning, batches of about one length, one thread, two processes side by side",
        must=1.6,
        bucketed=True,
        threads=1,
        processes=2,
    ),
}


@dataclass
class Studies:
    """Runs the study each way, and keeps what each found."""

    size: Size
    found: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))

    def ours(self) -> None:
        """The study service, two workers of one thread each."""
        size = self.size
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder, 'study.db')}"
            command = ["study.run", "--preset", "quick", "--arms", "fixed", "--device", "cpu"]
            command += ["--n-trials", str(size.trials), "--workers", str(WORKERS)]
            command += ["--folds", str(size.folds), "--epochs", str(size.epochs)]
            subjects = {"STUDY_SUBJECTS": str(size.subjects)}
            run_all([[*command, "--storage", url]], environment(1, **subjects))
            self.found[OURS]["values"] = values_of(url, size)

    def baseline(self, name: str) -> None:
        """One of the baselines; several processes get every so manieth trial each."""
        way, config = BASELINES[name], self.size.config().model_dump(mode="json")
        losses = [loss.model_dump(mode="json") for loss in self.size.losses()]
        parts = [losses[i :: way.processes] for i in range(way.processes)]
        given = [{"config": config, "losses": p, "bucketed": way.bucketed} for p in parts]
        commands = [["benchmarks.plain.study", json.dumps(argument)] for argument in given]
        told = [json.loads(text) for text in run_all(commands, environment(way.threads))]
        values = [0.0] * len(losses)
        for i, part in enumerate(told):
            values[i :: way.processes] = part["values"]
        steps = sum(part["steps"] for part in told)
        self.found[name] = {
            "values": values,
            "fold_steps": steps,
            "mean_length": sum(part["mean_length"] * part["steps"] for part in told) / steps,
            "threads": told[0]["threads"],
        }

    def contenders(self, names: Sequence[str]) -> dict[str, Callable[[], None]]:
        """Ours and the baselines of those rows."""
        return {OURS: self.ours} | {name: partial(self.baseline, name) for name in names}


def measure(repeats: int, names: Sequence[str], size: Size = SIZE) -> list[Row]:
    """Time ours and the baselines of those rows in the same rounds.

    Raises:
        RuntimeError: one of the processes failed.
    """
    for run in Studies(WARM_UP).contenders(names).values():
        run()
    studies = Studies(size)
    timings = interleaved(studies.contenders(names), repeats)
    found = studies.found
    found[OURS] |= batches_of(size) | {"threads": 1}
    return [row(name, size, timings, found) for name in names]


def row(name: str, size: Size, timings: Timings, found: Mapping[str, Mapping[str, Any]]) -> Row:
    """One row of the measurement."""
    way = BASELINES[name]
    both = {OURS: timings[OURS], "plain": timings[name]}
    cpu = ratio_of(both, OURS, "plain", cpu=True)
    sides = {OURS: found[OURS], "plain": found[name]}
    return Row(
        name=name,
        what=f"study.run, {WORKERS} workers of one thread, start to exit",
        baseline=way.about,
        must=way.must,
        ratio=ratio_of(both, OURS, "plain"),
        details={
            "study": f"wisdm51, {size.subjects} people, {size.folds} folds, "
            f"{size.trials} trials of {size.epochs} epochs",
            "cpu_time_ratio": cpu.median,
            "taken": {
                side: numbers
                | {key: value for key, value in sides[side].items() if key != "values"}
                | {"mean_value": float(np.mean(sides[side]["values"]))}
                for side, numbers in summary(both).items()
            },
            "values": {side: list(sides[side]["values"]) for side in sides},
            "wall_s": {side: [taken.wall for taken in both[side]] for side in both},
        },
    )


def values_of(url: str, size: Size) -> list[float]:
    """The value of each trial, in the order of the plan."""
    from storage import queries
    from study.database import existing

    with existing(url) as engine:
        rows = queries.trial_rows(engine, queries.study_by_name(engine, "study").study_id)
    value = {row.cell: row.value for row in rows if row.value is not None}
    return [value[cell.hash] for cell in plan(size.config())[: size.trials]]


def batches_of(size: Size) -> dict[str, Any]:
    """Steps of all folds, and the mean length that ours pads training batches to.

    The batches are drawn as training draws them: streams of one step share a length.
    """
    from model.data.streams import BatchPlan, Streams
    from study.sequences import study_sequences

    config = size.config()
    sequences = study_sequences(config)
    streams = Streams(sequences, config.folds, config.seed, config.features.normalise).of_repeat(0)
    batches = BatchPlan.of(config.seed, len(sequences), config.folds, config.training.batch_size)
    length = np.minimum(sequences.length, config.features.max_length)
    padded = [
        np.stack([length[batches.epoch(stream, epoch, length)] for stream in streams])
        .max(axis=(0, 2))
        .mean()
        for epoch in range(config.training.epochs)
    ]
    steps = batches.steps * config.training.epochs * config.folds * size.trials
    return {"fold_steps": steps, "mean_length": float(np.mean(padded))}
