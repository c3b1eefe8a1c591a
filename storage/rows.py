"""What goes into `storage.runs` and `storage.truth`, and what comes out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.states import State


@dataclass(frozen=True)
class Holder:
    """A process that holds claims; host, boot, pid and start tell whether it still lives."""

    id: str
    """Unique to this process, e.g. a UUID."""
    host: str
    boot: str
    """Id of the machine's current boot: after a reboot its old pids mean nothing."""
    pid: int
    started: float
    """When the process started, which tells it from a later one with the same pid."""


@dataclass(frozen=True)
class CellRef:
    """A cell of the plan."""

    hash: str
    arm: str
    repeat: int
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Fingerprints:
    """What a trial was made from: hashes that must match, and what is recorded beside them."""

    code: str
    data: str
    config: str
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A cell that this process holds."""

    run_id: int
    cell: CellRef
    attempt: int
    """Counted from 1."""


@dataclass(frozen=True)
class EpochRow:
    """What one fold of a trial did in one epoch."""

    fold: int
    epoch: int
    metrics: Mapping[str, float]
    """By the names of `epoch_metric`; others go to its column `extra`."""


@dataclass(frozen=True)
class FoldRow:
    """One fold of a trial after its last epoch."""

    fold: int
    score: float
    binary_f1: float
    macro_f1: float
    best_epoch: int
    best_score: float
    sequence_ids: Sequence[str]
    predicted: bytes | NDArray[np.uint8]
    """uint8 fine class id of each of these sequences."""

    def __post_init__(self) -> None:
        if len(bytes(self.predicted)) != len(self.sequence_ids):
            raise ValueError(
                f"fold {self.fold}: expected one uint8 prediction for each of "
                f"{len(self.sequence_ids)} sequences, found {len(bytes(self.predicted))} bytes"
            )


@dataclass(frozen=True)
class RunResult:
    """What a trial that ran to its end, or was pruned, leaves behind."""

    value: float
    """Mean over folds of the score; of a pruned trial, its last reported one."""
    folds: Sequence[FoldRow]
    """Empty for a pruned trial."""
    device_seconds: float
    worker: str
    device: str
    epochs: Sequence[EpochRow] = ()
    """Histories not recorded yet; those recorded already are left as they are."""


@dataclass(frozen=True)
class LostRun:
    """A run taken from a holder that is gone. `trial_id` is None if it had none yet."""

    run_id: int
    trial_id: int | None
    number: int | None
    cell: str
    arm: str
    holder: Holder
    reason: str


@dataclass(frozen=True)
class Untold:
    """A run that has ended while Optuna may still believe it to be running."""

    run_id: int
    trial_id: int
    state: State
    value: float | None
    cause: str | None
    reason: str | None


@dataclass(frozen=True)
class Truth:
    """True labels and subjects of the sequences of one data set, in one order.

    Raises:
        ValueError: labels or subjects are more or fewer than sequences, or a label has no class.
    """

    sequence_ids: tuple[str, ...]
    labels: bytes
    """uint8 fine id of each sequence: `np.frombuffer(truth.labels, np.uint8)`."""
    subjects: tuple[str, ...]
    """Name of each sequence's subject."""
    fine: tuple[str, ...]
    """Names of the fine classes, by id."""
    coarse: tuple[str, ...]
    """Names of the coarse classes, by id: the targets, and all others as one."""
    other: str
    """Which of `coarse` is all others."""

    def __post_init__(self) -> None:
        sizes = len(self.labels), len(self.subjects)
        if sizes != (len(self.sequence_ids),) * 2:
            raise ValueError(
                f"expected a label and a subject for each of {len(self.sequence_ids)} sequences, "
                f"found {sizes[0]} labels and {sizes[1]} subjects"
            )
        if self.labels and max(self.labels) >= len(self.fine):
            raise ValueError(
                f"expected labels below {len(self.fine)}, the number of fine classes, "
                f"found {max(self.labels)}"
            )
        if self.other not in self.coarse:
            raise ValueError(f"expected {self.other!r} among the coarse classes {self.coarse}")
