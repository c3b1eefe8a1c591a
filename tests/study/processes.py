"""Processes that run one study, each by its own runs and trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna

from model.outcomes import EpochReport, FoldResult, TrialResult
from storage.rows import CellRef, Fingerprints
from storage.runs import Runs
from study.holder import this_process
from study.mirror import Mirror
from study.opening import Database
from study.space import distributions
from study.trial import Place, Trial
from study.trials import Trials

PLACE = Place("host:1", "cpu")
MADE_OF = Fingerprints("code", "data", "config", {})
PREDICTED = np.array([0, 1], dtype=np.uint8)


class Process:
    """One process that runs the study, and the pieces it is made of."""

    def __init__(self, database: Database, study: optuna.Study, lease_seconds: float) -> None:
        study_id = database.optuna.get_study_id_from_name(study.study_name)
        self.runs = Runs(database.engine, study_id, this_process(), lease_seconds)
        self.mirror = Mirror(
            study, database.optuna, distributions(("fixed", "uncertainty", "direct"))
        )
        self.trials = Trials(self.runs, self.mirror, MADE_OF)

    def begin(self, cells: list[CellRef]) -> Trial:
        (trial,) = self.trials.start(self.trials.claim(cells, 1), PLACE)
        return trial


def report(trial: Trial, epoch: int, score: float) -> EpochReport:
    return EpochReport(trial.key, epoch, {"score": np.full(2, score)})


def result(trial: Trial) -> TrialResult:
    fold = FoldResult(0.7, 0.8, 0.6, 1, 0.75, ("a", "b"), PREDICTED)
    return TrialResult(trial.key, (fold, replace(fold, score=0.9)), 2.0)


def optuna_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False)
