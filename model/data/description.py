"""The description of a table: where it is, and which columns and labels it has.

Users write it as TOML:

    path = "recordings.csv"            # CSV or parquet, relative to this file
    rate_hz = 10

    [columns]
    subject = "subject"
    sequence = "sequence_id"
    counter = "sequence_counter"
    label = "activity"

    [sensors]
    acc = ["acc_x", "acc_y", "acc_z"]            # m/s^2, gravity included
    rot = ["rot_w", "rot_x", "rot_y", "rot_z"]   # optional; sensor -> world
    extra = ["temperature"]                      # optional

    [labels]
    targets = ["drinking", "typing"]
    others = ["walking"]                         # optional: all that is left

    [subjects]
    pilot = ["1600"]                             # optional: left out of studies
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model.data.spelling import did_you_mean
from model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

SUFFIXES = (".csv", ".csv.gz", ".parquet")


class _Section(BaseModel):
    """Frozen, no unknown keys; names written as numbers are names all the same."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True
    )


class ColumnNames(_Section):
    """Which columns say whose row it is, and what was done."""

    subject: str
    sequence: str
    counter: str
    """Row within its sequence: goes up."""
    label: str


class SensorNames(_Section):
    """Which columns were measured."""

    acc: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    """x, y, z in m/s^2, gravity included."""
    rot: Annotated[tuple[str, ...], Field(min_length=4, max_length=4)] | None = None
    """w, x, y, z of a unit quaternion sensor -> world."""
    extra: tuple[str, ...] = ()


class LabelNames(_Section):
    """Names of the classes."""

    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    others: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """None: every label that is no target."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        _refuse_repeats((*self.targets, *(self.others or ())))
        return self


class SubjectNames(_Section):
    """Subjects set apart."""

    pilot: tuple[str, ...] = ()
    """Recipes are tuned on them; a study leaves them out."""


class TableDescription(_Section):
    """A table of recordings."""

    path: Path
    columns: ColumnNames
    sensors: SensorNames
    rate_hz: float = Field(gt=0)
    """Rows a second."""
    labels: LabelNames
    subjects: SubjectNames = SubjectNames()

    @field_validator("path")
    @classmethod
    def _of_known_kind(cls, path: Path) -> Path:
        if not path.name.endswith(SUFFIXES):
            raise ValueError(f"expected a name ending in one of {', '.join(SUFFIXES)}")
        return path

    @model_validator(mode="after")
    def _columns_once_each(self) -> Self:
        _refuse_repeats((*self.columns.model_dump().values(), *self.sensor_columns))
        return self

    @property
    def sensor_columns(self) -> tuple[str, ...]:
        """Columns of all sensors: acc, rot, extra."""
        return self.sensors.acc + (self.sensors.rot or ()) + self.sensors.extra


def read_description(file: Path) -> TableDescription:
    """Read the TOML description of a table; its path comes back ready to open.

    Raises:
        ConfigError: no such file, not TOML, or keys and values that are not as
            described above; all of them in one message.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file}: expected the TOML description of a table, found {error.strerror}"
        ) from None
    except ValueError as error:  # malformed TOML or UTF-8
        raise ConfigError(f"{file}: expected a TOML file; {error}") from None
    try:
        description = TableDescription.model_validate(content)
    except ValidationError as error:
        mistakes = "\n".join(f"  - {_mistake(details)}" for details in error.errors())
        raise ConfigError(
            f"{file}: a table is described otherwise\n{mistakes}\nKnown keys: {', '.join(_keys())}"
        ) from None
    return description.model_copy(update={"path": file.parent / description.path})


def _refuse_repeats(names: Iterable[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"expected every name once, found more often: {', '.join(repeated)}")


def _mistake(details: ErrorDetails) -> str:
    key = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return f"{key}: unknown key{did_you_mean(key, (*_keys(), *TableDescription.model_fields))}"
    if details["type"] == "missing":
        return f"{key}: missing"
    message = details["msg"].removeprefix("Value error, ")
    found = "" if isinstance(details["input"], dict) else f", found {details['input']!r}"
    return f"{key or 'columns and sensors'}: {message}{found}"


def _keys() -> tuple[str, ...]:
    """Every key a description may have, in dotted form."""
    keys: list[str] = []
    for name, field in TableDescription.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            keys += (f"{name}.{key}" for key in section.model_fields)
        else:
            keys.append(name)
    return tuple(keys)
