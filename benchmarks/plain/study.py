"""Trials one after the other, each fold after fold: what most people's script does.

    python -m benchmarks.plain.study '{"config": {...}, "losses": [{...}], "bucketed": false}'

`config` is a StudyConfig, `losses` one LossConfig a trial. Prints one line of
JSON: the value of each trial, the number of training steps, the mean padded
length of their batches, and torch's threads.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from benchmarks.plain.data import (
    FoldDataset,
    Item,
    Padded,
    scaling_of,
    training_loader,
    validation_loader,
)
from benchmarks.plain.module import PlainModule
from model.config import LossConfig
from model.data.folds import assign_folds
from model.data.sequences import SequenceSet
from study.config import StudyConfig
from study.sequences import study_sequences


@dataclass
class Lengths(pl.Callback):
    """Notes the padded length of every training batch."""

    seen: list[int] = field(default_factory=list)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Padded, batch_idx: int
    ) -> None:
        """Note it."""
        del trainer, pl_module, batch_idx
        self.seen.append(batch.x.shape[1])


@dataclass
class PlainStudy:
    """Trains trials with one recipe."""

    config: StudyConfig
    sequences: SequenceSet
    bucketed: bool
    lengths: Lengths = field(default_factory=Lengths)

    def trial(self, loss: LossConfig) -> float:
        """Mean score over folds after the last epoch."""
        folds = assign_folds(self.sequences, self.config.folds, self.config.seed, repeat=0)
        scores = [self.fold(loss, folds == k) for k in range(self.config.folds)]
        return float(np.mean(scores))

    def fold(self, loss: LossConfig, tested: NDArray[np.bool_]) -> float:
        """Train on one side and score on the other."""
        config, sequences = self.config, self.sequences
        train, test = self.loaders(np.flatnonzero(~tested), np.flatnonzero(tested))
        module = PlainModule(
            config.network, config.training, loss, sequences.hierarchy, len(sequences.channels)
        )
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=config.training.epochs,
            gradient_clip_val=config.training.clip_norm,
            callbacks=[self.lengths],
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, train, test)
        return module.score

    def loaders(
        self, train: NDArray[np.int64], test: NDArray[np.int64]
    ) -> tuple[DataLoader[Item], DataLoader[Item]]:
        """Loaders of both sides of a fold, scaled by the training side."""
        batch, longest = self.config.training.batch_size, self.config.features.max_length
        scaling = scaling_of(self.sequences, train)
        sides = [FoldDataset(self.sequences, side, scaling, longest) for side in (train, test)]
        return (
            training_loader(sides[0], batch, bucketed=self.bucketed),
            validation_loader(sides[1], 4 * batch, bucketed=self.bucketed),
        )


def main(argument: str) -> None:
    """Run the trials of the argument and print what came of them."""
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    given = json.loads(argument)
    config = StudyConfig.model_validate(given["config"])
    study = PlainStudy(config, study_sequences(config), given["bucketed"])
    pl.seed_everything(config.seed, verbose=False)
    values = [study.trial(LossConfig.model_validate(loss)) for loss in given["losses"]]
    seen = study.lengths.seen
    found = {"values": values, "steps": len(seen), "mean_length": float(np.mean(seen))}
    print(json.dumps(found | {"threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main(sys.argv[1])
