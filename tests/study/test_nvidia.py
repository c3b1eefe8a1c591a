"""What the kernel's module of NVIDIA tells, read from files of its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.nvidia import driver, gpus

CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (builder)\n"
    "GCC version:  gcc version 12.3.0\n"
)


@pytest.mark.parametrize(
    ("text", "version"), [(CLOSED, "550.54.15"), (OPEN, "570.86.10"), ("something else\n", None)]
)
def test_the_version_of_the_driver_is_found(text: str, version: str | None, tmp_path: Path) -> None:
    (tmp_path / "version").write_text(text)
    assert driver(tmp_path) == version


def test_gpus_are_named_in_order(tmp_path: Path) -> None:
    for bus, model in (("0000:41:00.0", "NVIDIA A100-SXM4-40GB"), ("0000:01:00.0", "NVIDIA L4")):
        folder = tmp_path / "gpus" / bus
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 123\n")
    assert gpus(tmp_path) == ["NVIDIA L4", "NVIDIA A100-SXM4-40GB"]


def test_without_a_driver_there_is_nothing(tmp_path: Path) -> None:
    assert driver(tmp_path / "none") is None
    assert gpus(tmp_path / "none") == []
