"""What became of each replica of a stack, kept on the CPU.

Notation: R live replicas, row = position in the stack, K folds of a trial.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from model.data.sequences import SequenceSet
from model.data.streams import Stream
from model.module import FAULTS, StackModule
from model.outcomes import (
    EpochReport,
    FoldResult,
    Outcome,
    TrialDropped,
    TrialFailure,
    TrialResult,
    TrialSpec,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Account:
    """One trial: where its rows stand now, and what it did."""

    spec: TrialSpec
    streams: Sequence[Stream]
    """K of them."""
    rows: slice
    seconds: float = 0.0
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    """[K] an epoch."""
    outcome: Outcome | None = None


class Ledger:
    """Accounts of all trials of a stack, in the order they were given."""

    def __init__(
        self,
        sequences: SequenceSet,
        streams: Sequence[Stream],
        trials: Sequence[TrialSpec],
        folds: int,
    ) -> None:
        self.sequences = sequences
        self.folds = folds
        of_repeat: dict[int, list[Stream]] = {}
        for stream in streams:
            of_repeat.setdefault(stream.key.repeat, []).append(stream)
        self.accounts = [
            Account(trial, of_repeat[trial.repeat], slice(i * folds, (i + 1) * folds))
            for i, trial in enumerate(trials)
        ]
        self._epoch = 0
        self._metrics: Mapping[str, NDArray[np.float64]] = {}

    @property
    def live(self) -> list[Account]:
        """Accounts of trials still in training."""
        return [account for account in self.accounts if account.outcome is None]

    def enter(self, epoch: int, module: StackModule, seconds: float) -> None:
        """Read what the epoch came to, once for the whole stack, and who failed in it."""
        found = module.epoch_metrics()
        table = torch.stack([values.double() for values in found.values()]).cpu().numpy()
        self._epoch = epoch
        self._metrics = dict(zip(found, table, strict=True))
        live = self.live
        for account in live:
            account.seconds += seconds / len(live)
            account.scores.append(self._metrics["score"][account.rows])
        fault = module.fault.cpu().numpy()
        for account in live:
            self._fail(account, fault[account.rows])

    def _fail(self, account: Account, fault: NDArray[np.int64]) -> None:
        faulty = np.flatnonzero(fault >= 0)
        if len(faulty):
            fold = int(faulty[0])
            account.outcome = TrialFailure(
                key=account.spec.key,
                cause="non_finite_loss",
                epoch=self._epoch,
                fold=fold,
                term=FAULTS[fault[fold]],
                seconds=account.seconds,
            )

    def reports(self) -> list[EpochReport]:
        """The last epoch of every live trial, without what its scheme does not have."""
        return [
            EpochReport(
                account.spec.key,
                self._epoch,
                {
                    name: values[account.rows]
                    for name, values in self._metrics.items()
                    if not np.isnan(values[account.rows]).all()
                },
            )
            for account in self.live
        ]

    def drop(self, keys: Collection[str]) -> None:
        """Close the accounts of live trials the caller no longer wants."""
        for account in self.live:
            if account.spec.key in keys:
                account.outcome = TrialDropped(account.spec.key, self._epoch, account.seconds)

    def compact(self) -> list[int]:
        """Renumber the rows of live trials without gaps; returns the rows that stay."""
        kept: list[int] = []
        for account in self.live:
            rows = range(account.rows.start, account.rows.stop)
            account.rows = slice(len(kept), len(kept) + self.folds)
            kept.extend(rows)
        return kept

    def finish(self, module: StackModule) -> None:
        """Close the accounts of all live trials with their last epoch."""
        predicted, counted = (part.cpu().numpy() for part in module.validation_meter.predictions())
        for account in self.live:
            rows = range(account.rows.start, account.rows.stop)
            account.outcome = TrialResult(
                key=account.spec.key,
                folds=tuple(
                    self._fold(account, fold, predicted[row][counted[row]])
                    for fold, row in enumerate(rows)
                ),
                seconds=account.seconds,
            )

    def _fold(self, account: Account, fold: int, predicted: NDArray[np.int64]) -> FoldResult:
        history = np.array([epoch[fold] for epoch in account.scores])
        row = account.rows.start + fold
        best = int(history.argmax())
        return FoldResult(
            score=float(history[-1]),
            binary_f1=float(self._metrics["binary_f1"][row]),
            macro_f1=float(self._metrics["macro_f1"][row]),
            best_epoch=best,
            best_score=float(history[best]),
            sequence_ids=tuple(self.sequences.sequence_id[account.streams[fold].test].tolist()),
            predicted=predicted.astype(np.uint8),
        )

    def outcomes(self) -> list[Outcome]:
        """What became of each trial."""
        assert all(account.outcome is not None for account in self.accounts)
        return [account.outcome for account in self.accounts if account.outcome is not None]
