"""Small tables as users would write them, right in every respect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

ACC = ["acc_x", "acc_y", "acc_z"]
ROT = ["rot_w", "rot_x", "rot_y", "rot_z"]
TARGETS = ["zip", "knit"]
OTHERS = ["walk", "mow"]
ROWS = 5
"""Rows of each sequence."""


def small_table() -> pd.DataFrame:
    """Three subjects times four labels, a sequence each; row i of the table has index i."""
    rng = np.random.default_rng(5)
    keys = [
        (subject, f"s{number}", step, label)
        for number, (subject, label) in enumerate(
            (subject, label) for subject in ("ann", "bob", "eve") for label in TARGETS + OTHERS
        )
        for step in range(ROWS)
    ]
    table = pd.DataFrame(keys, columns=["who", "bout", "step", "doing"])
    acc = rng.normal(0, 5, (len(table), 3)).astype(np.float32)
    rot = rng.normal(size=(len(table), 4))
    rot /= np.linalg.norm(rot, axis=1, keepdims=True)
    table[ACC] = acc
    table[ROT] = rot.astype(np.float32)
    table["heat"] = rng.normal(30, 1, len(table)).astype(np.float32)
    return table


def description(**changes: object) -> dict[str, Any]:
    """Contents of the TOML; a change replaces a whole top-level key, None drops it."""
    content: dict[str, Any] = {
        "path": "table.csv",
        "rate_hz": 20,
        "columns": {"subject": "who", "sequence": "bout", "counter": "step", "label": "doing"},
        "sensors": {"acc": ACC, "rot": ROT, "extra": ["heat"]},
        "labels": {"targets": TARGETS, "others": OTHERS},
        "subjects": {"pilot": ["bob"]},
    } | changes
    return {key: value for key, value in content.items() if value is not None}


def write_description(folder: Path, content: dict[str, Any]) -> Path:
    """Write content as TOML."""
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items() if key not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    file = folder / "table.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def write_table(folder: Path, table: pd.DataFrame, **changes: object) -> Path:
    """Write the table where its description says; return the description's file."""
    content = description(**changes)
    file = folder / str(content["path"])
    if file.suffix == ".parquet":
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    return write_description(folder, content)
