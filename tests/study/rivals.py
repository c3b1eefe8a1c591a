"""Trainers for studies that prune: trials of every arm differ, and their ranks stay as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.config import LossConfig
from model.outcomes import Outcome, TrialSpec
from study.config import StudyConfig
from tests.study.trainers import Steady, score_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from study.worker.process import OnEpoch


def rank_of(loss: LossConfig) -> float:
    """A score that tells the trials of every arm apart."""
    start = 0.0005 if loss.uncertainty_init_value == "matched" else 0.0
    return score_of(loss) + math.log10(loss.lr_multiplier) / 1000 + start


class Rivals(Steady):
    """Scores by `rank_of`, less what it is told to take off."""

    less = 0.0

    def _scores(self, trial: TrialSpec) -> NDArray[np.float64]:
        return super()._scores(trial) - score_of(trial.loss) + rank_of(trial.loss) - self.less


class Fading(Rivals):
    """The trials of every job are worse than those of the one before."""

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        self.less += 0.1
        return super().__call__(trials, on_epoch)


def rivals(config: StudyConfig, device: str) -> Rivals:
    return Rivals(config, device)


def fading(config: StudyConfig, device: str) -> Fading:
    return Fading(config, device)
