"""Studies with the real trainer, from the command to the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import study
from study.run import main

ARMS = ["fixed", "uncertainty", "direct", "direct_anchored"]


def trained(url: str, stack: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A smoke study of one trial an arm."""
    flags = ["--preset", "smoke", "--n-trials", str(len(ARMS)), "--workers", "1"]
    assert main([*flags, "--stack", str(stack), "--storage", url]) == 0
    return study.results(url, "study")


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, ...]:
    """Four arms trained as one stack."""
    return trained(f"sqlite:///{tmp_path_factory.mktemp('together')}/study.db", stack=4)


def test_a_study_does_not_depend_on_the_size_of_its_stacks(
    together: tuple[pd.DataFrame, ...], tmp_path: Path
) -> None:
    alone = trained(f"sqlite:///{tmp_path}/study.db", stack=1)
    keys = ["arm", "fold", "epoch"]
    losses = [
        epochs.merge(trials[["trial_id", "arm"]]).set_index(keys)["val_total"].sort_index()
        for trials, _, epochs in (together, alone)
    ]
    assert len(losses[0]) == len(ARMS) * 2 * 2
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)  # fp32


def test_what_a_trained_study_leaves(together: tuple[pd.DataFrame, ...]) -> None:
    trials, folds, epochs = together
    assert trials["arm"].tolist() == ARMS
    assert (trials["state"] == "complete").all()
    by_trial = folds.groupby("trial_id")["score"].mean()
    np.testing.assert_allclose(trials.set_index("trial_id")["value"], by_trial)
    assert folds["score"].between(0.1, 1).all()
    last = epochs[epochs["epoch"] == epochs["epoch"].max()]
    np.testing.assert_allclose(
        last.sort_values(["trial_id", "fold"])["score"],
        folds.sort_values(["trial_id", "fold"])["score"],
    )
    uncertain = epochs.merge(trials[["trial_id", "arm"]]).query("arm == 'uncertainty'")
    np.testing.assert_allclose(uncertain["weight_kl"], np.exp(-uncertain["s_kl"]), rtol=1e-6)
