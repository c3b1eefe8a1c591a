"""Reads the columns in use, and no others, of a CSV or parquet file.

A CSV is streamed in blocks of 1 MB, so memory grows with the columns in use and
not with the file. What is wrong with a file comes back as faults beside what
could be read.

Notation: M rows.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow.csv import ConvertOptions, InvalidRow, ParseOptions, ReadOptions, open_csv
from pyarrow.parquet import ParquetFile

from model.data.rows import EXAMPLES, Coded
from model.data.spelling import did_you_mean
from model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Kind = Literal["text", "float32", "float64"]

_LISTED_NAMES = 12


@dataclass
class Columns:
    """Columns of a file by name, [M] each, and the file's faults."""

    count: int = 0
    text: dict[str, Coded] = field(default_factory=dict)
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    """NaN where the cell is empty or text."""
    unreadable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """[M] whether a cell of the row that should hold a number holds text."""
    faults: list[Fault] = field(default_factory=list)


def read_columns(file: Path, wanted: Mapping[str, Kind]) -> Columns:
    """Read the wanted columns of a .parquet, .csv or .csv.gz file.

    A column that is missing is left out, with a fault in its place.
    """
    if not file.is_file():
        found = "a folder" if file.is_dir() else "no such file"
        return Columns(faults=[Fault(f"{file}: expected a table, found {found}")])
    if file.stat().st_size == 0:
        return Columns(faults=[Fault(f"{file.name} is empty")])
    kind, read = ("parquet", _read_parquet) if file.suffix == ".parquet" else ("CSV", _read_csv)
    faults: list[Fault] = []
    try:
        table = read(file, wanted, faults)
        return _columns(table, wanted, faults) if table is not None else Columns(faults=faults)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        what = f"{file.name} cannot be read as {kind}, damaged or cut short ({reason})"
        return Columns(faults=[Fault(what)])


def _read_parquet(file: Path, wanted: Mapping[str, Kind], faults: list[Fault]) -> pa.Table | None:
    with ParquetFile(file) as parquet:
        available = _available(parquet.schema_arrow.names, wanted, faults)
        return parquet.read(columns=available) if available else None


def _read_csv(file: Path, wanted: Mapping[str, Kind], faults: list[Fault]) -> pa.Table | None:
    with TextIOWrapper(pa.input_stream(str(file)), encoding="utf-8-sig") as lines:
        available = _available(next(csv.reader(lines), []), wanted, faults)
    if not available:
        return None
    try:
        return _stream_csv(file, {name: wanted[name] for name in available}, faults)
    except pa.ArrowInvalid:  # text among the numbers: read all as text to say where
        return _stream_csv(file, dict.fromkeys(available, "text"), faults)


def _stream_csv(file: Path, kinds: Mapping[str, Kind], faults: list[Fault]) -> pa.Table:
    broken: list[InvalidRow] = []
    with open_csv(
        file,
        # A second thread gains nothing here, and would leave broken rows without line numbers.
        read_options=ReadOptions(use_threads=False),
        parse_options=_collecting(broken),
        convert_options=ConvertOptions(
            include_columns=list(kinds),
            column_types={name: _arrow_type(kind) for name, kind in kinds.items()},
            strings_can_be_null=True,
        ),
    ) as reader:
        table = pa.Table.from_batches(list(reader), schema=reader.schema)
    if broken:
        what = f"row without its {broken[0].expected_columns} fields (is the file cut short?)"
        lines = (f"line {row.number:,} has {row.actual_columns}" for row in broken[:EXAMPLES])
        faults.append(Fault(what, len(broken), tuple(lines)))
    return table


def _arrow_type(kind: Kind) -> pa.DataType:
    if kind == "text":
        return pa.dictionary(pa.int32(), pa.string())
    return pa.type_for_alias(kind)


def _collecting(broken: list[InvalidRow]) -> ParseOptions:
    """Options that put rows with too few or too many fields aside and go on."""

    def put_aside(row: InvalidRow) -> str:
        broken.append(row)
        return "skip"

    return ParseOptions(invalid_row_handler=put_aside)


def _available(names: list[str], wanted: Mapping[str, Kind], faults: list[Fault]) -> list[str]:
    """The wanted columns that are there once; a fault for each of the others."""
    times = Counter(names)
    unused = [name for name in times if name not in wanted]
    for name in wanted:
        if times[name] > 1:
            faults.append(Fault(f"column {name!r} is there {times[name]} times, expected once"))
        elif name not in times:
            hint = did_you_mean(name, unused) or _there_are(names)
            faults.append(Fault(f"column {name!r} is missing{hint}"))
    return [name for name in wanted if times[name] == 1]


def _there_are(names: list[str]) -> str:
    more = len(names) - _LISTED_NAMES
    ending = f" and {more:,} more" if more > 0 else ""
    return f"; there are {', '.join(names[:_LISTED_NAMES])}{ending}"


def _columns(table: pa.Table, wanted: Mapping[str, Kind], faults: list[Fault]) -> Columns:
    columns = Columns(table.num_rows, unreadable=np.zeros(table.num_rows, np.bool_), faults=faults)
    for name in table.column_names:
        column, kind = table.column(name), wanted[name]
        if kind == "text":
            columns.text[name] = _coded(column)
            continue
        try:
            numbers = column.cast(_arrow_type(kind), safe=False).to_numpy()
        except pa.ArrowException:
            numbers, is_text = _parsed(_coded(column), kind)
            columns.unreadable |= is_text
            faults.append(_text_fault(name, column, np.flatnonzero(is_text)))
        columns.numbers[name] = numbers
    return columns


def _coded(column: pa.ChunkedArray) -> Coded:
    """Blank names count as empty cells; names that do not occur are dropped."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    codes = array.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    names = array.dictionary.cast(pa.string()).to_pylist()
    occurring = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(names)))
    kept = sorted((names[code], code) for code in occurring if (names[code] or "").strip())
    new_codes = np.full(len(names) + 1, -1, np.int32)  # the last one is for code -1
    new_codes[[code for _, code in kept]] = np.arange(len(kept))
    return Coded(new_codes[codes], tuple(name for name, _ in kept))


def _parsed(text: Coded, kind: Kind) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Numbers [M], NaN for what is none, and whether it was none [M]."""
    numbers = [_number(name) for name in text.names]
    values = np.array([np.nan if number is None else number for number in numbers] + [np.nan], kind)
    is_text = np.array([number is None for number in numbers] + [False])
    return values[text.codes], is_text[text.codes]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text_fault(name: str, column: pa.ChunkedArray, where: NDArray[np.int64]) -> Fault:
    places = (f"row {row:,}: {column[int(row)].as_py()!r}" for row in where[:EXAMPLES])
    return Fault(
        f"column {name!r}: expected numbers, found other things", len(where), tuple(places)
    )
