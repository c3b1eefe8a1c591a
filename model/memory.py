"""Memory of a device: how much is in use, how much there is, and that it has run out."""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import torch

from model.errors import OutOfMemory, Shortage

_HOST = ("can't allocate memory", "not enough memory")
_DEVICE = ("out of memory", "ALLOC_FAILED")
"""What torch says where it has no exception of its own for it."""


class Meter(Protocol):
    """Measures the memory of one device, in bytes."""

    @property
    def name(self) -> str:
        """Of the memory, the same in all processes."""
        ...

    def restart(self) -> None:
        """Forget the peak, and give back what this process keeps for later."""
        ...

    def peak(self) -> int:
        """Most that this process has held at once since the restart."""
        ...

    def capacity(self) -> int:
        """What this process could hold: what it holds, and what nobody does."""
        ...

    def total(self) -> int:
        """All there is, whoever holds it."""
        ...

    def reserve(self, size: int) -> None:
        """Hold so much in all, for use later, so that others find it taken."""
        ...


@dataclass(frozen=True)
class CudaMemory:
    """Memory of a GPU."""

    device: torch.device

    @property
    def name(self) -> str:
        """The GPU's UUID; its number depends on which GPUs a process may see."""
        return str(torch.cuda.get_device_properties(self.device).uuid)

    def restart(self) -> None:
        """Empty torch's cache."""
        free(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> int:
        """Tensors alone: of what torch keeps beside them, smaller pieces can be made."""
        return torch.cuda.max_memory_allocated(self.device)

    def capacity(self) -> int:
        """As free memory is found: other processes may hold some."""
        unused, _ = torch.cuda.mem_get_info(self.device)
        return unused + torch.cuda.memory_reserved(self.device)

    def total(self) -> int:
        """Of the GPU."""
        return torch.cuda.mem_get_info(self.device)[1]

    def reserve(self, size: int) -> None:
        """Leave a piece of that size in torch's cache, which cuts it up as needed.

        Lightning empties the cache when it has trained a stack.
        """
        missing = size - torch.cuda.memory_reserved(self.device)
        if missing > 0:
            with suppress(torch.OutOfMemoryError):  # taken by another just now
                torch.empty(missing, dtype=torch.uint8, device=self.device)


def shortage(error: Exception) -> OutOfMemory | None:
    """What an error says of memory that ran out; None if it is about something else."""
    text = str(error)
    found: Shortage | None = None
    if isinstance(error, MemoryError) or any(sign in text for sign in _HOST):
        found = "host_memory"
    elif isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in _DEVICE):
        found = "device_memory"
    return None if found is None else OutOfMemory(found, f"{type(error).__name__}: {text}")


def free(device: torch.device) -> None:
    """Give back to the device what is referred to no more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
