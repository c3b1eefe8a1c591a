"""Settings as a user gives them, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.config import StudyConfig
from study.errors import UsageError
from study.run_arguments import RunParser
from study.sources import resolve

PRUNING = """
[training]
epochs = 6
[pruning]
pruner = "within_arm"
"""


def resolved(*flags: str, **variables: str) -> StudyConfig:
    config, _ = resolve(RunParser().parse(["--n-trials", "3", *flags]), variables)
    return config


def faults(*flags: str, **variables: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        resolved(*flags, **variables)
    return list(caught.value.faults)


def toml(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)
