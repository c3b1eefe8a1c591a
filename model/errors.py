"""Errors of the model package.

ModelError
├── DataError      a recording, table or folder that cannot be used; carries all its faults
├── ConfigError    settings that contradict each other or the data
├── DeviceError    a device that is not there
└── OutOfMemory    a stack that its device, or the machine, has no room for
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Shortage = Literal["device_memory", "host_memory"]
"""Which memory was short."""


class ModelError(Exception):
    """Base of what this package raises on purpose; its text is meant for the user."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault in the data: how often it was met, and where first."""

    what: str
    """What was found and what was expected, e.g. "acc is not finite (expected m/s^2)"."""
    count: int = 1
    examples: tuple[str, ...] = ()
    """The first few places, e.g. "sequence 17, row 3"."""

    def __str__(self) -> str:
        times = f" ({self.count:,} times)" if self.count > 1 else ""
        where = f"; first: {', '.join(self.examples)}" if self.examples else ""
        return f"{self.what}{times}{where}"


class DataError(ModelError):
    """Data that cannot be used. Every fault found is listed, not the first alone."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        listed = "\n".join(f"  - {fault}" for fault in self.faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"{source}: {len(self.faults)} {noun} in the data\n{listed}")


class ConfigError(ModelError):
    """Settings that contradict each other or do not fit the data."""


class DeviceError(ModelError):
    """A device was asked for that this machine does not have."""


class OutOfMemory(ModelError):
    """A stack did not fit. Smaller ones may."""

    def __init__(self, shortage: Shortage, message: str) -> None:
        self.shortage: Shortage = shortage
        super().__init__(message)
