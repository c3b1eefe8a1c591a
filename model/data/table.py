"""Reads a table that a TOML description describes.

Every reader takes this road: a description, `read_rows`, the faults of
`model.data.checks`, `assemble`. A data set of its own kind, as in
`model.data.cmi`, adds what is particular to it in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.data.checks import faults_of
from model.data.columns import read_columns
from model.data.description import read_description
from model.data.rows import Rows
from model.data.sequences import Recording
from model.errors import DataError
from model.hierarchy import Hierarchy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from model.data.columns import Columns, Kind
    from model.data.description import TableDescription


def read_table(description: Path) -> Recording:
    """Read the table that a TOML file describes (`model.data.description`).

    Raises:
        ConfigError: mistakes in the description.
        DataError: faults in the table, all of them.
    """
    table = read_description(description)
    rows = read_rows(table)
    faults = faults_of(rows, table.labels, table.subjects.pilot)
    if faults:
        raise DataError(str(table.path), faults)
    return assemble(rows, table)


def read_rows(table: TableDescription) -> Rows:
    """Read the columns in use, unchecked."""
    roles = table.columns
    kinds: dict[str, Kind] = dict.fromkeys(table.sensor_columns, "float32")
    kinds |= dict.fromkeys((roles.subject, roles.sequence, roles.label), "text")
    kinds[roles.counter] = "float64"
    columns = read_columns(table.path, kinds)
    rot = _side_by_side(columns, table.sensors.rot) if table.sensors.rot else None
    if rot is not None:
        rot[np.isnan(rot).any(axis=1)] = np.nan
    return Rows(
        count=columns.count,
        subject=columns.text.get(roles.subject),
        sequence=columns.text.get(roles.sequence),
        label=columns.text.get(roles.label),
        counter=columns.numbers.get(roles.counter),
        acc=_side_by_side(columns, table.sensors.acc),
        rot=rot,
        extra=_side_by_side(columns, table.sensors.extra),
        unreadable=columns.unreadable,
        faults=tuple(columns.faults),
    )


def assemble(rows: Rows, table: TableDescription) -> Recording:
    """Put rows without faults into the form of a recording."""
    subject, sequence, label = rows.subject, rows.sequence, rows.label
    assert subject is not None
    assert sequence is not None
    assert label is not None
    assert rows.acc is not None
    assert rows.extra is not None
    targets, others = table.labels.targets, table.labels.others
    if others is None:
        others = tuple(name for name in label.names if name not in targets)
    hierarchy = Hierarchy.of(targets, others)
    fine_id = np.array([hierarchy.fine.index(name) for name in label.names])
    start = rows.start
    return Recording(
        acc=rows.acc,
        rot=rows.rot,
        extra=rows.extra,
        extra_names=table.sensors.extra,
        start=start,
        length=np.diff(start, append=rows.count),
        label=fine_id[label.codes[start]],
        subject=subject.codes[start].astype(np.int64),
        sequence_id=np.array(sequence.names)[sequence.codes[start]],
        subject_names=subject.names,
        hierarchy=hierarchy,
        rate_hz=table.rate_hz,
        pilot_subjects=table.subjects.pilot,
    )


def _side_by_side(columns: Columns, names: Collection[str]) -> NDArray[np.float32] | None:
    """Columns as an array [M, names]; None if one is missing."""
    if not columns.numbers.keys() >= set(names):
        return None
    array = np.empty((columns.count, len(names)), np.float32)
    for position, name in enumerate(names):
        array[:, position] = columns.numbers[name]
    return array
