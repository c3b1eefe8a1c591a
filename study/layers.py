"""Where settings come from: a preset, a TOML file, environment variables, flags.

A layer is a nested table of settings and a way to name one of them as its user
wrote it. Nothing is checked here but what would keep a layer from being read.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from storage import credentials
from study.config import RunOptions, with_preset
from study.fingerprint import COMMIT_VARIABLE
from study.presets import PRESETS

Key = tuple[str, ...]
"""Place of a setting, e.g. ("training", "epochs")."""
Table = dict[str, Any]

PREFIX = "STUDY_"
NESTING = "__"
RESERVED = credentials.VARIABLES | {"STUDY_CACHE", COMMIT_VARIABLE}
"""Read elsewhere: by `storage`, `model.data.cache` and `study.fingerprint`."""
PRESET = "preset"

ALL_OPTIONS = frozenset(RunOptions.model_fields)
OPTIONS_OF_COMMANDS = frozenset(
    {
        "n_trials",
        "study_name",
        "storage",
        "confirm",
        "until_decided",
        "reruns",
        "dry_run",
        "accept_changes",
    }
)
"""Those that a variable would set unseen."""
OPTIONS_OF_VARIABLES = ALL_OPTIONS - OPTIONS_OF_COMMANDS

FLAGS: Mapping[str, Key] = {"epochs": ("training", "epochs")}
"""Flags that are not named after the setting they give."""


@dataclass(frozen=True)
class Layer:
    """Settings of one source."""

    settings: Table = field(default_factory=dict)
    spell: Callable[[Key], str] = ".".join
    """How the user writes a setting in this source."""
    origin: str = ""
    """Name of the source where the spelling alone does not tell."""
    options: frozenset[str] = frozenset()
    """Fields of RunOptions that this source may give."""
    faults: tuple[str, ...] = ()
    """What could not be read."""

    def only_options(self) -> Layer:
        """What it says of the run."""
        kept = {name: value for name, value in self.settings.items() if name in self.options}
        return replace(self, settings=kept)

    def only_study(self) -> Layer:
        """What it says of the study, beside the preset."""
        elsewhere = {PRESET, *self.options}
        kept = {name: value for name, value in self.settings.items() if name not in elsewhere}
        return replace(self, settings=kept)

    def name(self, key: Key) -> str:
        """Say which setting of which source, e.g. "study.toml: training.epochs"."""
        return ": ".join(filter(None, (self.origin, self.spell(key))))

    def get(self, key: Key) -> object:
        """What the source says of a setting, a table or a value.

        Raises:
            KeyError: nothing.
        """
        node: object = self.settings
        for part in key:
            if not isinstance(node, Mapping):
                raise KeyError(key)
            node = node[part]
        return node

    def has(self, key: Key) -> bool:
        """Whether the source says anything of a setting."""
        try:
            self.get(key)
        except KeyError:
            return False
        return True


def of_preset(name: str) -> Layer:
    """Settings of a preset, which must exist."""
    return Layer(_spelt_out(dict(PRESETS[name])), origin=f"preset {name}")


def of_file(path: str | None) -> Layer:
    """Settings of a TOML file; relative data is looked for beside the file."""
    if path is None:
        return Layer()
    try:
        settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        return Layer(faults=(f"--config {path}: expected a TOML file, found {error.strerror}",))
    except ValueError as error:  # of TOML or of UTF-8
        return Layer(faults=(f"--config {path}: expected TOML, found a mistake: {error}",))
    beside = Path(path).parent / str(settings.get("data"))
    if "data" in settings and beside.exists():
        settings["data"] = str(beside)
    return Layer(_spelt_out(settings), origin=path)


def of_environment(environ: Mapping[str, str]) -> Layer:
    """Settings of variables like STUDY_FOLDS and STUDY_TRAINING__EPOCHS; lists are JSON."""
    settings: Table = {}
    faults = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        key = tuple(name.removeprefix(PREFIX).lower().split(NESTING))
        try:
            put(
                settings,
                ("network", "preset") if key == ("network",) else key,
                _value(environ[name]),
            )
        except ValueError as error:
            faults.append(f"{name}: expected JSON after [ or {{, found {environ[name]!r}: {error}")
    return Layer(_spelt_out(settings), _variable, "", OPTIONS_OF_VARIABLES, tuple(faults))


def of_flags(arguments: Mapping[str, Any]) -> Layer:
    """Settings of the flags that were given: those that are not None."""
    settings: Table = {}
    for name, value in arguments.items():
        if value is not None:
            put(settings, FLAGS.get(name, (name,)), value)
    return Layer(settings, _flag, options=ALL_OPTIONS)


def merged(layers: list[Layer]) -> Table:
    """One table of all layers, the lowest first; the later wins, setting by setting.

    Where two disagree on whether a setting is a table, one is wrong and must stay
    to be refused: the upper one if the other is the lowest, which is well formed.
    """
    lowest, *others = layers
    table: Table = {}
    said: Table = {}
    for layer in others:
        _overlay(said, layer.settings, replaces=False)
    _overlay(table, lowest.settings, replaces=False)
    _overlay(table, said, replaces=True)
    return table


def put(table: Table, key: Key, value: object) -> None:
    """Put a setting in its place; below something that is no table there is none."""
    *parents, last = key
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            return
    table[last] = value


def _overlay(table: Table, over: Mapping[str, Any], *, replaces: bool) -> None:
    """Lay a table over another. `replaces`: also where it has a table on what is none."""
    for name, value in over.items():
        if not isinstance(value, Mapping):
            table[name] = value
            continue
        below = table.get(name, {})
        if isinstance(below, Mapping) or replaces:
            table[name] = dict(below) if isinstance(below, Mapping) else {}
            _overlay(table[name], value, replaces=replaces)


def _spelt_out(settings: Table) -> Table:
    if "network" not in settings:
        return settings
    return settings | {"network": with_preset(settings["network"])}


def _value(text: str) -> object:
    return json.loads(text) if text.lstrip()[:1] in {"[", "{"} else text


def _variable(key: Key) -> str:
    return PREFIX + NESTING.join(key).upper()


def _flag(key: Key) -> str:
    return "--" + key[-1].replace("_", "-")
