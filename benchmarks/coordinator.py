"""Row `coordinator`: CPU time a trial of the coordinator, against Optuna alone.

Each study runs in a process of its own, on a fresh SQLite file. Counted is the
CPU time of that process alone, from the start of its first trial to that of its
last: neither workers nor starting up.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.children import environment, run_all
from benchmarks.result import Row
from benchmarks.timing import REPEATS, Taken, interleaved, ratio_of
from study.config import StudyConfig

OURS, BARE = "benchmarks.instant", "benchmarks.plain.optuna_study"
SIZES = (10, 100, 1000)
"""Trials of a study."""
PACED = (5, 0.1)
"""Trials, and seconds an epoch, of a study whose epochs come one by one."""
ALLOWED_MS = 30.0
"""CPU time a trial beyond Optuna's."""

Marks = Sequence[tuple[float, float]]
"""Clock and CPU time at the start of each trial, in seconds."""


def thousand_cells() -> StudyConfig:
    """All arms, 5 folds, 30 epochs, and a grid of more than a thousand cells."""
    tenths = [i / 10 for i in range(1, 11)]
    fixed = {"alpha": tenths, "nine_class_weight": tenths, "kl_weight": tenths}
    return StudyConfig.model_validate(
        {"folds": 5, "training": {"epochs": 30}, "grid": {"fixed": fixed}}
    )


def measure(
    repeats: int = REPEATS,
    sizes: Sequence[int] = SIZES,
    config: StudyConfig | None = None,
    paced: tuple[int, float] = PACED,
) -> Row:
    """Run studies of every size, both ways, once a round.

    Args:
        repeats: rounds.
        sizes: trials of a study, ascending, 2 at least.
        config: of the studies; needs as many cells as the largest has trials.
        paced: trials and seconds an epoch of one more study each way.
    """
    config = config or thousand_cells()
    noted: dict[tuple[str, int], list[Marks]] = {(m, n): [] for n in sizes for m in (OURS, BARE)}

    def contender(module: str, trials: int) -> Callable[[], None]:
        return lambda: noted[module, trials].append(marks_of(module, config, trials))

    interleaved({f"{m} {n}": contender(m, n) for m, n in noted}, repeats)
    slow = {module: [marks_of(module, config, *paced)] for module in (OURS, BARE)}
    largest = {module: noted[module, sizes[-1]] for module in (OURS, BARE)}
    tenth = max(1, sizes[-1] // 10)
    return Row(
        name="coordinator",
        what="CPU time a trial of the coordinator: claim, 30 epochs, result, predictions",
        baseline="Optuna alone: enqueue, ask, report and should_prune every epoch, tell",
        ratio=ratio_of({m: each_trial(runs) for m, runs in largest.items()}, OURS, BARE, cpu=True),
        details={
            "allowed_beyond_ms": ALLOWED_MS,
            "trials": {
                str(n): compared({m: noted[m, n] for m in (OURS, BARE)}, slice(None)) for n in sizes
            },
            f"first_{tenth}_of_{sizes[-1]}": compared(largest, slice(tenth + 1)),
            f"last_{tenth}_of_{sizes[-1]}": compared(largest, slice(-tenth - 1, None)),
            "epochs_one_by_one": {"epoch_s": paced[1], **compared(slow, slice(None))},
        },
    )


def marks_of(module: str, config: StudyConfig, trials: int, pause: float = 0.0) -> Marks:
    """Run a study by one of the two modules.

    Raises:
        RuntimeError: it failed, with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        given = {"config": config.model_dump(), "trials": trials, "folder": folder, "pause": pause}
        (said,) = run_all([[module, json.dumps(given)]], environment(threads=1))
    marks: Marks = json.loads(said)
    return marks


def each_trial(runs: Sequence[Marks], part: slice = slice(None)) -> list[Taken]:
    """Mean seconds a trial of each run, over the part of it between the marks of `part`."""
    means = []
    for run in runs:
        marks = run[part]
        (wall, cpu), (wall_at_end, cpu_at_end) = marks[0], marks[-1]
        trials = len(marks) - 1
        means.append(Taken((wall_at_end - wall) / trials, (cpu_at_end - cpu) / trials))
    return means


def compared(runs: Mapping[str, Sequence[Marks]], part: slice) -> dict[str, Any]:
    """Medians over rounds, in ms of CPU time a trial."""
    ours, bare = (
        [1e3 * taken.cpu for taken in each_trial(runs[module], part)] for module in (OURS, BARE)
    )
    return {
        "ours_ms": statistics.median(ours),
        "optuna_ms": statistics.median(bare),
        "beyond_ms": statistics.median(a - b for a, b in zip(ours, bare, strict=True)),
    }
