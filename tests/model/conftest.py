"""Small made-up data sets for training tests."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.config import FeatureConfig, NetworkConfig, TrainingConfig
from model.data.sequences import SequenceSet
from model.fit import FitContext, FitSettings
from model.hierarchy import Hierarchy

HIERARCHY = Hierarchy.of(targets=("drink", "type", "write"), others=("walk", "jog"))
SMALL = NetworkConfig(width=8, blocks=1, heads=2, kernel=3, expansion=1, dropout=0.2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made_up(subjects: int = 6, each: int = 10, seed: int = 0) -> SequenceSet:
    """Sequences of 8 to 30 rows whose mean tells the class, in part."""
    random = np.random.default_rng(seed)
    n = subjects * each
    length = random.integers(8, 31, n)
    label = np.arange(n) % len(HIERARCHY.fine)
    start = np.concatenate(([0], np.cumsum(length)[:-1]))
    rows = random.normal(size=(int(length.sum()), 4)).astype(np.float32)
    rows[:, :3] += np.repeat(np.eye(5, 3)[label], length, axis=0).astype(np.float32)
    return SequenceSet(
        features=rows,
        present=None,
        channels=("a", "b", "c", "d"),
        start=start,
        length=length,
        label=label,
        subject=np.arange(n) // each,
        sequence_id=np.array([f"s{i:03d}" for i in range(n)]),
        subject_names=tuple(f"p{i}" for i in range(subjects)),
        hierarchy=HIERARCHY,
        pilot_subjects=(),
        digest="made-up",
    )


def settings(
    *, network: NetworkConfig = SMALL, precision: str = "fp64", epochs: int = 2, folds: int = 2
) -> FitSettings:
    """A recipe that trains in well under a second."""
    training = TrainingConfig.model_validate(
        {"epochs": epochs, "batch_size": 8, "learning_rate": 1e-2, "precision": precision}
    )
    return FitSettings(network, training, FeatureConfig(), folds=folds, seed=3, device="cpu")


@pytest.fixture(scope="session")
def sequences() -> SequenceSet:
    return made_up()


@pytest.fixture(scope="session")
def context(sequences: SequenceSet) -> FitContext:
    return FitContext(sequences, settings())
