"""One trial as an Optuna objective: copy it to try a change by hand, without a study service.

The study service trains the same way (`study.worker.training`); it adds claims,
restarts and the database.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
import pytest
import torch

from model.config import FeatureConfig, NetworkConfig, TrainingConfig
from model.data.load import load_sequences
from model.fit import FitContext, FitSettings, fit
from model.outcomes import EpochReport, TrialResult, TrialSpec
from study.arms import loss_config
from study.config import StudyConfig


@pytest.fixture(scope="module")
def context() -> FitContext:
    """Four subjects of the bundled data, two folds, a very small network."""
    torch.set_num_threads(1)
    sequences = load_sequences("wisdm51", "gravity").without_pilots()
    names = sorted({sequences.subject_names[i] for i in sequences.subject})
    settings = FitSettings(
        network=NetworkConfig(width=16, blocks=1),
        training=TrainingConfig(epochs=2),
        features=FeatureConfig(),
        folds=2,
        seed=0,
        device="cpu",
    )
    return FitContext(sequences.of_subjects(names[:4]), settings)


def objective(trial: optuna.Trial, context: FitContext) -> float:
    """Mean over folds of the score; reported after every epoch."""
    arm = trial.suggest_categorical("arm", ["fixed", "uncertainty"])
    params: dict[str, float | str]
    if arm == "fixed":
        params = {
            "alpha": trial.suggest_float("alpha", 0.3, 0.9),
            "nine_class_weight": trial.suggest_float("nine_class_weight", 0.0, 0.5),
            "kl_weight": trial.suggest_float("kl_weight", 0.0, 0.2),
        }
    else:
        params = {
            "s_init": str(trial.suggest_categorical("s_init", ["zero", "matched"])),
            "lr_multiplier": trial.suggest_float("lr_multiplier", 0.1, 100, log=True),
        }
    loss = loss_config(arm, params, baseline=StudyConfig().loss)

    def on_epoch(reports: Sequence[EpochReport]) -> tuple[str, ...]:
        trial.report(float(np.mean(reports[0].metrics["score"])), reports[0].epoch)
        return ()

    (outcome,) = fit(context, [TrialSpec("trial", loss)], on_epoch)
    assert isinstance(outcome, TrialResult), outcome
    return float(np.mean([fold.score for fold in outcome.folds]))


def test_objective(context: FitContext) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial({"arm": "fixed", "alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1})
    study.enqueue_trial({"arm": "uncertainty", "s_init": "zero", "lr_multiplier": 10.0})
    study.enqueue_trial({"arm": "fixed", "alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1})
    study.optimize(lambda trial: objective(trial, context), n_trials=3)
    fixed, learned, again = study.trials
    for trial in study.trials:
        assert trial.value is not None
        assert 0.1 < trial.value < 1
        assert trial.intermediate_values[1] == pytest.approx(trial.value)
    assert fixed.value == again.value  # the same seeds, the same numbers
    assert fixed.value != learned.value
