"""The values tried of each parameter, by arm, checked against the registries of `study.arms`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, RootModel, model_validator
from pydantic_core import PydanticCustomError

from model.data.spelling import did_you_mean
from study.arms import ARMS, PARAMETERS, ParamGrid

Fault = tuple[tuple[str, ...], str]
"""Path below the setting that was checked, and what was expected and found there."""


def several(faults: list[Fault]) -> PydanticCustomError:
    """Several faults as one error of a validator; its context keeps them apart."""
    text = "; ".join(": ".join(filter(None, (".".join(path), what))) for path, what in faults)
    return PydanticCustomError("several", "{text}", {"text": text, "faults": faults})


class GridConfig(RootModel[dict[str, dict[str, tuple[float | str, ...]]]]):
    """What is not named keeps its default: `GridConfig({})` is the default grid."""

    model_config = ConfigDict(frozen=True)

    def __getitem__(self, arm: str) -> ParamGrid:
        return self.root.get(arm, {})

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:  # noqa: ANN401 (whatever a file holds)
        faults = list(_faults(given))
        if faults:
            raise several(faults)
        return {arm: {**ARMS[arm].grid, **given.get(arm, {})} for arm in _varied()}


def _varied() -> list[str]:
    return [arm for arm, entry in ARMS.items() if entry.grid]


def _faults(given: object) -> Iterator[Fault]:
    if not isinstance(given, Mapping):
        yield (), f"expected a table of arms, found {given!r}"
        return
    varied = _varied()
    for arm, grid in given.items():
        if arm not in varied:
            hint = did_you_mean(str(arm), varied)
            yield (str(arm),), f"expected an arm with a grid ({', '.join(varied)}){hint}"
        elif not isinstance(grid, Mapping):
            yield (arm,), f"expected a table of parameters, found {grid!r}"
        else:
            yield from (((arm, *path), what) for path, what in _faults_of_arm(arm, grid))


def _faults_of_arm(arm: str, grid: Mapping[Any, Any]) -> Iterator[Fault]:
    names = ARMS[arm].grid
    for name, values in grid.items():
        if name not in names:
            hint = did_you_mean(str(name), names)
            yield (str(name),), f"expected a parameter of {arm} ({', '.join(names)}){hint}"
        elif not isinstance(values, list | tuple) or not values:
            yield (name,), f"expected a list of one value or more, found {values!r}"
        else:
            yield from (((name,), what) for what in _faults_of_values(name, values))


def _faults_of_values(name: str, values: list[Any] | tuple[Any, ...]) -> Iterator[str]:
    parameter = PARAMETERS[name]
    for place, value in enumerate(values):
        if not parameter.admits(value):
            yield f"expected {parameter.expected}, found {value!r}"
        elif value in values[:place]:
            yield f"expected every value once, found {value!r} more often"
