r"""A script that trains one trial, ended at the first step of its first fold.

    python -m benchmarks.plain.first_step \
        '{"config": {...}, "loss": {...}, "hook": "training_step"}'

`hook` is that of the LightningModule at which the process ends, at once:
training_step (the step begins) or on_train_batch_end (it has ended).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from typing import NoReturn

import pytorch_lightning as pl

from benchmarks.plain.module import PlainModule
from benchmarks.plain.study import PlainStudy
from model.config import LossConfig
from study.config import StudyConfig
from study.sequences import study_sequences


def main(argument: str) -> None:
    """Train until the hook is reached."""
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    given = json.loads(argument)
    setattr(PlainModule, given["hook"], _reached)
    config = StudyConfig.model_validate(given["config"])
    study = PlainStudy(config, study_sequences(config), bucketed=False)
    pl.seed_everything(config.seed, verbose=False)
    study.trial(LossConfig.model_validate(given["loss"]))
    raise AssertionError("trained a trial without a step")


def _reached(*_: object) -> NoReturn:
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
