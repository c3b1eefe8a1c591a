"""NVIDIA driver and GPUs, as the kernel's module tells them: neither torch nor a tool is needed."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path("/proc/driver/nvidia")


def driver(folder: Path = _FOLDER) -> str | None:
    """Version of the driver; None without one.

    Args:
        folder: of the module, which holds a file `version` with the line
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 ...".
    """
    try:
        text = (folder / "version").read_text()
    except OSError:
        return None
    found = re.search(r"Kernel Module.*?(\d+(?:\.\d+)+)", text)
    return found[1] if found else None


def gpus(folder: Path = _FOLDER) -> list[str]:
    """Models of all GPUs, in the order of their bus addresses; empty without a driver."""
    models = []
    for file in sorted(folder.glob("gpus/*/information")):
        try:
            found = re.search(r"^Model:\s*(.+?)\s*$", file.read_text(), re.MULTILINE)
        except OSError:
            continue
        if found:
            models.append(found[1])
    return models
