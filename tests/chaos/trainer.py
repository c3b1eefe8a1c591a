"""The steady trainer, noting when it has reported which epoch.

CHAOS_EPOCHS names the file, which gets one line of JSON an epoch.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.outcomes import EpochReport, Outcome, TrialSpec
from study.config import StudyConfig
from tests.study.trainers import Steady

if TYPE_CHECKING:
    from collections.abc import Collection

    from study.worker.process import OnEpoch

EPOCHS = "CHAOS_EPOCHS"


@dataclass(frozen=True)
class Noted:
    """An epoch of a run, and when it was reported."""

    time: float
    """Seconds since 1970-01-01 UTC."""
    run: int
    epoch: int


class Noting(Steady):
    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        def noting(reports: Sequence[EpochReport]) -> Collection[str]:
            _note(reports)
            return on_epoch(reports)

        return super().__call__(trials, noting)


def noting(config: StudyConfig, device: str) -> Noting:
    return Noting(config, device)


def noted(path: Path) -> list[Noted]:
    """What trainers noted in a file."""
    return [Noted(*json.loads(line)) for line in path.read_text().splitlines()]


def _note(reports: Sequence[EpochReport]) -> None:
    path = os.environ.get(EPOCHS)
    if path is not None:
        lines = [json.dumps([time.time(), int(r.key), r.epoch]) + "\n" for r in reports]
        with Path(path).open("a") as file:
            file.write("".join(lines))
