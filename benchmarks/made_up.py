"""Small made-up recordings and a recipe, for checks that take moments."""

from __future__ import annotations

import numpy as np

from model.config import FeatureConfig, NetworkConfig, TrainingConfig
from model.data.sequences import SequenceSet
from model.fit import FitSettings
from model.hierarchy import Hierarchy

HIERARCHY = Hierarchy.of(targets=("drink", "type", "write"), others=("walk", "jog"))
CHANNELS = ("a", "b", "c", "d")
FOLDS = 2


def made_up(subjects: int = 6, each: int = 10, seed: int = 0) -> SequenceSet:
    """Sequences of 8 to 30 rows whose mean tells the class in part; a tenth is missing."""
    random = np.random.default_rng(seed)
    sequences = subjects * each
    length = random.integers(8, 31, sequences)
    label = np.arange(sequences) % len(HIERARCHY.fine)
    rows = random.normal(size=(int(length.sum()), len(CHANNELS)))
    rows += np.repeat(np.eye(len(HIERARCHY.fine), len(CHANNELS))[label], length, axis=0)
    present = random.random(rows.shape) > 0.1
    return SequenceSet(
        features=np.where(present, rows, 0).astype(np.float32),
        present=present,
        channels=CHANNELS,
        start=np.cumsum(length) - length,
        length=length,
        label=label,
        subject=np.arange(sequences) // each,
        sequence_id=np.array([f"s{i:03d}" for i in range(sequences)]),
        subject_names=tuple(f"p{i}" for i in range(subjects)),
        hierarchy=HIERARCHY,
        pilot_subjects=(),
        digest="made-up",
    )


def recipe(*, dropout: float, epochs: int = 2) -> FitSettings:
    """fp64 on the CPU, a network with every kind of layer, batches of 8 sequences."""
    network = NetworkConfig(
        width=8, blocks=1, bert_layers=1, heads=2, kernel=3, expansion=2, dropout=dropout
    )
    training = TrainingConfig(epochs=epochs, batch_size=8, learning_rate=1e-2, precision="fp64")
    return FitSettings(network, training, FeatureConfig(), folds=FOLDS, seed=3, device="cpu")
