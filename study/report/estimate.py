"""What is left of a study, and how long that takes at the rate of the trials it has finished."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from study.config import StudyConfig
from study.plan import plan


@dataclass(frozen=True)
class PlanLeft:
    """The cells of a study's plan."""

    cells: int
    """All of them."""
    not_begun: int
    """Those that nobody has ever claimed."""


def plan_left(config: Mapping[str, Any], begun: Collection[str]) -> PlanLeft | None:
    """What is left of the plan of a stored configuration; None if it is not one of this version.

    Args:
        config: of the study, as it is stored.
        begun: hashes of the cells that were ever claimed.
    """
    try:
        cells = plan(StudyConfig.model_validate(config))
    except ValidationError:
        return None
    return PlanLeft(len(cells), sum(cell.hash not in begun for cell in cells))


def seconds_left(trials: float, cost: float | None, workers: int) -> float | None:
    """Seconds until trials are finished, if every worker goes on as it does; None if not known.

    Args:
        trials: how many are left; of a running one, the part that is left.
        cost: device-seconds of one trial: wall time of its stack, shared out over the stack.
        workers: how many train, each of which gives a device-second a second.
    """
    if trials == 0:
        return 0.0
    if cost is None or workers == 0:
        return None
    return trials * cost / workers
