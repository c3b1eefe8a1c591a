"""Devices and number formats."""

from __future__ import annotations

from typing import Literal

import torch

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
