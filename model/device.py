"""Devices and number formats."""

from __future__ import annotations

import ctypes
import sys
from typing import Literal

import torch
from torch import Tensor

from model.errors import DeviceError

Precision = Literal["auto", "fp64", "fp32", "bf16"]


def resolve_device(name: str) -> torch.device:
    """Find the device of that name: auto, cpu, cuda or cuda:N.

    Raises:
        DeviceError: it is not there.
    """
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or not (index or "0").isdigit():
        raise DeviceError(f"device: expected auto, cpu, cuda or cuda:N, found {name!r}")
    if int(index or 0) >= count:
        have = f"{count} CUDA devices" if count else "no CUDA device"
        raise DeviceError(
            f"device: {name!r} is not there: this machine has {have}. "
            f"Use --device cpu, or --device auto for what there is."
        )
    return torch.device("cuda", int(index or 0))


def working_dtype(precision: Precision) -> torch.dtype:
    """Format of parameters and data."""
    return torch.float64 if precision == "fp64" else torch.float32


def autocast(precision: Precision, device: torch.device) -> Literal["bf16-mixed", "32-true"]:
    """Lightning's name for the precision; 32-true casts nothing, fp64 included."""
    on_cuda = precision == "auto" and device.type == "cuda"
    return "bf16-mixed" if precision == "bf16" or on_cuda else "32-true"


def at_least_fp32(x: Tensor) -> Tensor:
    """Widen half precision; leave fp32 and fp64 as they are."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
"""glibc refuses a larger one."""


def keep_freed_memory() -> bool:
    """Have glibc keep what tensors on the CPU free, for the next step to use.

    By default it gives blocks of a few hundred kilobytes back to the system, and
    every step fetches them anew, page by page: a tenth to a fifth of a step.
    Holds for the whole process. Returns whether the process's C library is glibc.
    """
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "gnu_get_libc_version"):
        return False
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 64 * 2**20)
    return True
