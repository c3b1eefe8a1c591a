"""What a study is made from, so that what is added later can be told to match.

Configuration, data and the `model` package must match. Commit, packages, host
and device are recorded; where they differ, a warning is enough.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study import nvidia

if TYPE_CHECKING:
    from storage.studies import StudyIdentity
    from study.config import StudyConfig

ROOT = Path(__file__).parents[1]
"""Folder of the packages model, storage and study."""

COMMIT_VARIABLE = "STUDY_COMMIT"

PACKAGES = (
    "numpy",
    "optuna",
    "pandas",
    "pyarrow",
    "pydantic",
    "pytorch-lightning",
    "scikit-learn",
    "sqlalchemy",
    "torch",
)


@dataclass(frozen=True)
class Fingerprint:
    """What a study is made from. Attributes are named as those of `StudyIdentity`."""

    config: Mapping[str, Any]
    """As `identity_of` writes it."""
    data_hash: str
    model_hash: str
    environment: Mapping[str, Any]
    """As `environment` writes it."""

    @cached_property
    def config_hash(self) -> str:
        """Hash of what changes results; where the data lies does not, what they hold does."""
        settings = {key: value for key, value in self.config.items() if key != "data"}
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def training_hash(self) -> str:
        """Hash of what a trial is trained by: without arms, grids, pruning and verdict, which
        say what trials there are and what is made of them."""
        others = {"data", "arms", "grid", "pruning", "verdict"}
        settings = {key: value for key, value in self.config.items() if key not in others}
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(config: StudyConfig, data_hash: str, device: str) -> Fingerprint:
    """Take the fingerprint of a study as it would run now.

    Args:
        config: of the study.
        data_hash: `SequenceSet.digest`.
        device: what it trains on, in words.
    """
    return Fingerprint(identity_of(config), data_hash, model_hash(), environment(device))


def identity_of(config: StudyConfig) -> dict[str, Any]:
    """Configuration as plain JSON, without what changes nothing in this study.

    That is the grids of arms it does not have, and how it would prune if it does not.
    """
    settings = config.model_dump(mode="json")
    settings["grid"] = {arm: grid for arm, grid in settings["grid"].items() if arm in config.arms}
    if config.pruning.pruner == "none":
        del settings["pruning"]
    if config.verdict == type(config.verdict)():
        del settings["verdict"]
    return settings


def model_hash(folder: Path = ROOT / "model") -> str:
    """Hash of a package's source: names of its files below `folder`, and what is in them."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py"), key=lambda file: file.relative_to(folder).as_posix()):
        name, content = file.relative_to(folder).as_posix().encode(), file.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def environment(device: str) -> dict[str, Any]:
    """What is recorded without having to match; nothing heavy is imported for it."""
    return {
        "commit": commit(),
        "host": platform.node(),
        "python": platform.python_version(),
        "device": device,
        "driver": nvidia.driver(),
        "gpus": nvidia.gpus(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def commit(root: Path = ROOT) -> str | None:
    """Commit checked out in `root`, with "-dirty" after local changes; None outside of git.

    An image holds no repository: STUDY_COMMIT says what it was built from.
    """
    built_from = os.environ.get(COMMIT_VARIABLE)
    if built_from and root == ROOT:
        return built_from
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
        if Path(top) != root.resolve():
            return None
        return _git(root, "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty")
    except (OSError, subprocess.SubprocessError):
        return None


def differences(stored: StudyIdentity | Fingerprint, current: Fingerprint) -> list[str]:
    """What must match and does not, one line each; empty if the study can go on."""
    before, now = dict(_leaves(stored.config)), dict(_leaves(current.config))
    found = [
        f"configuration: {key} was {_shown(before, key)}, is now {_shown(now, key)}"
        for key in _in_order(now, before)
        if before.get(key) != now.get(key) and not _follows(key, before, now)
    ]
    if stored.data_hash != current.data_hash:
        where = f"{_shown(before, 'data')} then, {_shown(now, 'data')} now"
        found.append(f"data: the content is not the same ({where})")
    if stored.model_hash != current.model_hash:
        hashes = f"{stored.model_hash[:12]} then, {current.model_hash[:12]} now"
        found.append(f"code: the package model is not the same ({hashes})")
    return found


def warnings(stored: StudyIdentity | Fingerprint, current: Fingerprint) -> list[str]:
    """What is recorded and differs, one line each."""
    before, now = dict(_leaves(stored.environment)), dict(_leaves(current.environment))
    return [
        f"{key} was {_shown(before, key)}, is now {_shown(now, key)}"
        for key in _in_order(now, before)
        if before.get(key) != now.get(key)
    ]


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Values by dotted key; lists are values."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", list(value) if isinstance(value, tuple) else value


def _follows(key: str, *configs: Mapping[str, object]) -> bool:
    """Whether a difference is told by another: content of data, or arms that came or went."""
    return key == "data" or (key.startswith("grid.") and any(key not in c for c in configs))


def _in_order(*tables: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys(key for table in tables for key in table))


def _shown(table: Mapping[str, object], key: str) -> str:
    return json.dumps(table[key]) if key in table else "not set"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ("git", "-C", str(root), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 (fixed words)
    return done.stdout.strip()
