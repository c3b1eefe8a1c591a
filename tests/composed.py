"""The compose files as Compose reads them: merged, with their variables put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with Lightning, without types

ROOT = Path(__file__).parents[1]
BASE, CPU, REMOTE = "docker-compose.yml", "docker-compose.cpu.yml", "docker-compose.remote.yml"
OURS = ("roles", "migrate", "worker", "dashboard")
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

Tree = dict[str, Any]


class Reset:
    """What `!reset` stands for: the value below it is dropped."""


class Loader(yaml.SafeLoader):  # type: ignore[misc]  # without types
    """Knows the tag !reset."""


Loader.add_constructor("!reset", lambda *_: Reset())


def merged(below: object, above: object) -> object:
    """One file on another, as Compose does it: tables by key, lists one after the other."""
    if isinstance(below, dict) and isinstance(above, dict):
        both = below | {k: merged(below[k], v) if k in below else v for k, v in above.items()}
        return {key: value for key, value in both.items() if not isinstance(value, Reset)}
    if isinstance(below, list) and isinstance(above, list):
        return below + above
    return above


def compose(*overrides: str, **variables: str) -> Tree:
    """The files as one, with their variables put in."""
    tree: Any = {}
    for file in (BASE, *overrides):
        text = (ROOT / file).read_text()
        text = VARIABLE.sub(lambda v: variables.get(v[1], v[2] or ""), text)
        tree = merged(tree, yaml.load(text, Loader))
    whole: Tree = tree
    return whole


def services(*overrides: str, **variables: str) -> dict[str, Tree]:
    found: dict[str, Tree] = compose(*overrides, **variables)["services"]
    return found
