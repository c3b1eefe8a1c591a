"""What a run would do and cost. Nothing is trained, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from study.arms import BASELINE_ARM
from study.stages import PRIMARY_ARMS

if TYPE_CHECKING:
    from study.config import StudyConfig
    from study.known import Results
    from study.stages import Stages

LEVEL = 0.05
"""Of the family of primary contrasts."""
ASSUMED_SD = 2**0.5 * 0.0082
"""Of a fold's difference between two arms: .0082 is a rerun's with other seeds on wisdm51."""

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


def dry_run(stages: Stages, n_trials: int, results: Results, cost: Cost) -> str:
    """Say which cells would run, in which order, what they would cost and what they could show.

    Args:
        stages: of the command.
        n_trials: finished trials the search is to hold in all.
        results: what is finished.
        cost: of one trial.
    """
    known = stages.cells(results)
    left = [(place, cell) for place, cell in enumerate(known, 1) if cell.hash not in results]
    searched = len(stages.search)
    lines = [f"{searched} of the plan's {stages.in_plan} cells are asked for, {len(left)} to run"]
    if n_trials > stages.in_plan:
        lines[0] += f" ({n_trials} trials were asked for; there are no more cells)"
    if len(known) > searched:
        lines[0] += f"; {len(known) - searched} of the cells below confirm"
    lines += [f"{place:5}  {cell}" for place, cell in left]
    later = searched + stages.most_later - len(known)
    if later > 0:
        lines.append(f"       then, by the results, at most {later} cells more that confirm")
    else:
        later = 0
    if left or later:
        lines.append(_cost(cost, len(left), later))
    lines.append("dry run: nothing was trained or written")
    return "\n".join(lines) + "\n"


def _cost(cost: Cost, left: int, later: int) -> str:
    in_all = _duration(cost.device_seconds * left)
    if later:
        in_all += f" to {_duration(cost.device_seconds * (left + later))}"
    each = _duration(cost.device_seconds)
    return f"cost: {each} a trial, {in_all} in all on one device ({cost.basis})"


def in_reach(config: StudyConfig, stages: Stages, sd: float | None) -> str | None:
    """Say which difference the study could show; None if it compares nothing.

    Args:
        config: of the study.
        stages: of the command.
        sd: SD over folds of the differences between two arms, if the study has shown it.
    """
    from study.verdict.power import detectable, detectable_at_best

    family = [arm for arm in PRIMARY_ARMS if arm in config.arms]
    if BASELINE_ARM not in config.arms or not family:
        return None
    repeats = 1 if stages.stopping is None else stages.stopping.looks[-1]
    level, ratio = LEVEL / len(family), 1 / (config.folds - 1)
    found = sd or ASSUMED_SD
    least = detectable(found, config.folds * repeats, ratio, level)
    best = detectable_at_best(found, ratio, level)
    basis = "as this study has shown" if sd else "assumed: sqrt(2) x .0082, a rerun's on wisdm51"
    learned = "1 learned arm" if len(family) == 1 else f"{len(family)} learned arms"
    return (
        f"could show a difference of {least:.4f} with 80% power ({repeats} x {config.folds} folds, "
        f"{learned}); no number of repeats on the same subjects could show less "
        f"than {best:.4f} (SD of a fold's difference {found:.4f}, {basis})"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} device-seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} device-minutes"
    return f"{seconds / 3600:.1f} device-hours"
