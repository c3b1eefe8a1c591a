"""Trains one stack: T trials x K folds on one device.

Notation: T trials, K folds, R = T x K replicas, row = trial x K + fold.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from torch import Tensor

from model.config import FeatureConfig, NetworkConfig, TrainingConfig
from model.data.batches import DeviceData, StackBatch, TrainBatches, ValidationBatches
from model.data.sequences import SequenceSet
from model.data.streams import BatchPlan, Purpose, Stream, Streams
from model.device import autocast, resolve_device, working_dtype
from model.ledger import Ledger
from model.module import StackModule
from model.network.squeezeformer import Squeezeformer
from model.outcomes import EpochReport, Outcome, TrialSpec

OnEpoch = Callable[[Sequence[EpochReport]], Collection[str]]
"""Called after each epoch with the report of every live trial; returns the keys of
trials to drop."""


@dataclass(frozen=True)
class FitSettings:
    """What all trials of a study share."""

    network: NetworkConfig
    training: TrainingConfig
    features: FeatureConfig
    folds: int
    seed: int
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


class FitContext:
    """Data on the device and everything drawn from it once; outlives many stacks."""

    def __init__(self, sequences: SequenceSet, settings: FitSettings) -> None:
        """Move the data.

        Raises:
            DeviceError: the device is not there.
            DataError: the folds cannot be made.
        """
        self.settings = settings
        self.sequences = sequences
        self.device = resolve_device(settings.device)
        self.dtype = working_dtype(settings.training.precision)
        self.streams = Streams(
            sequences, settings.folds, settings.seed, settings.features.normalise
        )
        self.streams.of_repeat(0)
        self.data = DeviceData(sequences, settings.features.max_length, self.device, self.dtype)
        self.network = Squeezeformer(settings.network, len(sequences.channels), sequences.hierarchy)
        self.plan = BatchPlan.of(
            settings.seed, len(sequences), settings.folds, settings.training.batch_size
        )

    def initial(self, stream: Stream) -> Tensor:
        """[P] starting parameters of a stream."""
        seed = int(stream.key.random(Purpose.WEIGHTS).integers(2**63))
        drawn = self.network.layout.initial(torch.Generator().manual_seed(seed))
        return drawn.to(self.device, self.dtype)


def fit(
    context: FitContext, trials: Sequence[TrialSpec], on_epoch: OnEpoch | None = None
) -> list[Outcome]:
    """Train the trials as one stack, to the last epoch or until all are out.

    Args:
        context: data and settings, shared by every call.
        trials: T of them, with different keys.
        on_epoch: sees every epoch and may drop trials.

    Returns:
        What became of each trial, in their order.
    """
    stack = Stack(context, trials, on_epoch or (lambda _: ()))
    with quiet_lightning():
        trainer = pl.Trainer(
            accelerator="gpu" if context.device.type == "cuda" else "cpu",
            devices=[context.device.index or 0] if context.device.type == "cuda" else 1,
            precision=autocast(context.settings.training.precision, context.device),
            max_epochs=context.settings.training.epochs,
            callbacks=[stack],
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(stack.module, datamodule=stack.batches)
    return stack.ledger.outcomes()


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence advice about loaders, loggers and devices that does not apply to stacks."""
    logger = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            yield
    finally:
        logger.setLevel(level)


class StackBatches(pl.LightningDataModule):
    """Hands Lightning the batches of each epoch."""

    def __init__(self, context: FitContext, streams: Sequence[Stream]) -> None:
        super().__init__()
        self.context = context
        self.streams = streams

    def train_dataloader(self) -> TrainBatches:
        """Batches of the epoch about to start."""
        assert self.trainer is not None
        context = self.context
        return TrainBatches(
            context.data,
            self.streams,
            context.plan,
            context.network.layout.dropout_width,
            context.settings.network.dropout,
            self.trainer.current_epoch,
        )

    def val_dataloader(self) -> ValidationBatches:
        """Batches of the test folds."""
        batch = 2 * self.context.settings.training.batch_size
        return ValidationBatches(self.context.data, self.streams, batch)


class Stack(pl.Callback):
    """A stack in training: reports after each epoch, and lets go of trials that are out."""

    def __init__(self, context: FitContext, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> None:
        folds = context.settings.folds
        repeats = list(dict.fromkeys(trial.repeat for trial in trials))
        self.streams = [s for repeat in repeats for s in context.streams.of_repeat(repeat)]
        stream = [
            repeats.index(trial.repeat) * folds + fold for trial in trials for fold in range(folds)
        ]
        initial = torch.stack([context.initial(s) for s in self.streams])
        self.on_epoch = on_epoch
        self.ledger = Ledger(context.sequences, self.streams, trials, folds)
        self.batches = StackBatches(context, self.streams)
        self.module = StackModule(
            context.network,
            context.sequences.hierarchy,
            [trial.loss for trial in trials for _ in range(folds)],
            context.settings.training,
            initial=initial[stream],
            stream=stream,
            steps=context.plan.steps * context.settings.training.epochs,
        )
        self._started = 0.0
        self._last: StackBatch | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        del trainer, pl_module
        self._started = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: StackBatch,
        batch_idx: int,
    ) -> None:
        """Keep the last batch of all, to tell the terms' shares of the gradient on."""
        del pl_module, outputs, batch_idx
        if trainer.current_epoch + 1 == trainer.max_epochs and trainer.is_last_batch:
            self._last = batch

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report, then go on with the trials that neither failed nor were dropped."""
        del pl_module
        ledger, module = self.ledger, self.module
        if self._last is not None:
            with trainer.precision_plugin.forward_context():
                losses = module.sequence_losses(self._last)[0].mean(1)
            module.note_gradient_shares(losses)
        ledger.enter(trainer.current_epoch, module, time.perf_counter() - self._started)
        dropped = self.on_epoch(ledger.reports())
        if trainer.current_epoch + 1 == trainer.max_epochs:
            ledger.finish(module)
            return
        ledger.drop(dropped)
        kept = ledger.compact()
        if not kept:
            trainer.should_stop = True
        elif len(kept) < len(module.alive):
            used = module.keep(torch.tensor(kept, device=module.device))
            self.batches.streams = [self.batches.streams[i] for i in used]
