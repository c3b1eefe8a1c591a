"""What a run would do and cost. Nothing is trained, nothing written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.config import StudyConfig
    from study.plan import Cell

ASSUMED_SECONDS = 4e-4
"""Of one CPU core for one sequence, in one epoch of one fold: measured with the `tiny`
network on wisdm51 (10 Hz, 61 rows a sequence on average), validation included."""


@dataclass(frozen=True)
class Cost:
    """What one trial takes."""

    device_seconds: float
    basis: str
    """Where the figure comes from, in words."""


def measured_cost(device_seconds: Sequence[float]) -> Cost | None:
    """Cost as trials of the same study that ran to their end have shown it, if there are any."""
    if not device_seconds:
        return None
    trials = "1 trial" if len(device_seconds) == 1 else f"{len(device_seconds)} trials"
    return Cost(median(device_seconds), f"the median of {trials} of this study")


def assumed_cost(config: StudyConfig, sequences: int) -> Cost:
    """Rough cost of a trial of a study of which none has run yet.

    Args:
        config: of the study.
        sequences: how many it trains and tests on.
    """
    folds, epochs = config.folds, config.training.epochs
    return Cost(
        folds * epochs * sequences * ASSUMED_SECONDS,
        f"no trial has run yet; assumed {ASSUMED_SECONDS * 1e3:g} ms of one CPU core for each of "
        f"{sequences:,} sequences x {folds} folds x {epochs} epochs, as for the network tiny on "
        "wisdm51; larger networks and longer sequences take more, a GPU takes less",
    )


def dry_run(cells: Sequence[Cell], n_trials: int, finished: Collection[str], cost: Cost) -> str:
    """Say which cells would run, in which order, and what they would cost.

    Args:
        cells: the whole plan.
        n_trials: finished trials the study is to hold in all.
        finished: hashes of the cells that are finished.
        cost: of one trial.
    """
    wanted = cells[:n_trials]
    left = [(place, cell) for place, cell in enumerate(wanted, 1) if cell.hash not in finished]
    lines = [f"{len(wanted)} of the plan's {len(cells)} cells are asked for, {len(left)} to run"]
    if n_trials > len(cells):
        lines[0] += f" ({n_trials} trials were asked for; there are no more cells)"
    lines += [f"{place:5}  {cell}" for place, cell in left]
    if left:
        lines.append(
            f"cost: {_duration(cost.device_seconds)} a trial, "
            f"{_duration(cost.device_seconds * len(left))} in all on one device ({cost.basis})"
        )
    lines.append("dry run: nothing was trained or written")
    return "\n".join(lines) + "\n"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} device-seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} device-minutes"
    return f"{seconds / 3600:.1f} device-hours"
