"""What a coordinator and its worker say to each other, pickled over one connection.

    coordinator     worker
    Start  ->                   loads its data, finds its device
               <-  Ready        or Refused, and ends
    Job    ->                   trains
               <-  Epoch        after each epoch
    Drop   ->                   only if some of the trials are to go no further
               <-  Finished     or NoRoom, and waits for another job
                                or Failed, and ends

The connection's end is the order to stop: a worker ends when its coordinator does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.errors import Shortage
from model.outcomes import EpochReport, Outcome, TrialSpec
from storage.rows import Truth


@dataclass(frozen=True)
class Start:
    """First message: what the trainer is made from."""

    settings: object
    device: str
    workers: int | None = None
    """That are to share the devices of this kind; None for one a device."""
    is_measured: bool = False
    """Whether to find out how many trials the device has room for."""


@dataclass(frozen=True)
class Job:
    """Trials to train as one stack."""

    trials: Sequence[TrialSpec]


@dataclass(frozen=True)
class Drop:
    """Trials to take out of the stack when its present epoch ends."""

    keys: frozenset[str]


@dataclass(frozen=True)
class Ready:
    """The trainer is made."""

    device: str
    """What it trains on."""
    devices: tuple[str, ...]
    """Those of its kind on this machine; one worker each, if they are GPUs."""
    data_hash: str
    stack: int
    """Trials that it has room for at once; 1 if that was not to be found out."""
    pid: int
    """Of its process."""
    truth: Truth | None = None
    """Labels and subjects of its data, if it knows them."""


@dataclass(frozen=True)
class Refused:
    """The trainer could not be made."""

    message: str


@dataclass(frozen=True)
class Epoch:
    """What each live trial of the job did in one epoch."""

    reports: Sequence[EpochReport]


@dataclass(frozen=True)
class Finished:
    """What became of each trial of the job."""

    outcomes: Sequence[Outcome]


@dataclass(frozen=True)
class NoRoom:
    """The job did not fit; nothing of it stands, and what it took is free again."""

    cause: Shortage
    reason: str


@dataclass(frozen=True)
class Failed:
    """The trainer raised; nothing of the job stands."""

    reason: str
    """Traceback."""


Order = Start | Job | Drop
Answer = Ready | Refused | Epoch | Finished | NoRoom | Failed
