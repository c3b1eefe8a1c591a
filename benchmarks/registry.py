"""Names of all rows, and where each is measured. Imports none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A row that can be asked for."""

    about: str
    measure: str
    """ "module:function" that takes the number of repeats and returns a Row."""
    together: bool = False
    """Whether it shares its measurement with all rows of the same function: that one takes
    repeats and the names asked for, and returns their rows in that order."""


STUDY, GROWTH = "benchmarks.study_cpu:measure", "benchmarks.growth"

ROWS: Mapping[str, Entry] = {
    "study-cpu": Entry("a small study against Lightning as most write it", STUDY, together=True),
    "study-cpu-pinned": Entry("the same against it pinned to one thread", STUDY, together=True),
    "study-cpu-tuned": Entry("the same against it tuned by hand", STUDY, together=True),
    "warm-start": Entry(
        "start of a trial in a running worker against a fresh process",
        "benchmarks.warm_start:measure",
    ),
    "features": Entry(
        "features of all rows at once against groupby.apply", "benchmarks.features:measure"
    ),
    "cache": Entry("second start from the cache against the first", "benchmarks.cache:measure"),
    "score": Entry("score of 25 replicas against scikit-learn", "benchmarks.score:measure"),
    "coordinator": Entry(
        "CPU time a trial of the coordinator against Optuna alone",
        "benchmarks.coordinator:measure",
    ),
    "gpu-stack": Entry(
        "a stack of 25 in bf16 against plain Lightning, a replica step",
        "benchmarks.gpu_stack:measure",
    ),
    "gpu-processes": Entry(
        "the same against processes that share the GPU", "benchmarks.gpu_processes:measure"
    ),
    "gpu-share": Entry("share of the measured bf16 matrix rate", "benchmarks.gpu_share:measure"),
    "gpu-study": Entry(
        "64 trials of 5 folds and 30 epochs at CMI size", "benchmarks.gpu_study:measure"
    ),
    "gpu-variants": Entry(
        "ways to launch a step: as it comes, compiled, as a graph",
        "benchmarks.gpu_variants:measure",
    ),
    "growth-replicas": Entry("time of a replica step over replicas", f"{GROWTH}:over_replicas"),
    "growth-length": Entry("time of a replica step over length", f"{GROWTH}:over_length"),
    "growth-width": Entry("time of a replica step over width", f"{GROWTH}:over_width"),
    "growth-memory": Entry("peak memory over replicas", f"{GROWTH}:over_memory"),
}
