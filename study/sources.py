"""From flags, environment, TOML file and preset to one study configuration.

A flag wins over a variable (STUDY_FOLDS, STUDY_TRAINING__EPOCHS), a variable
over the file of --config, the file over the preset. Every mistake in all of
them comes in one message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from model.data.spelling import did_you_mean
from study.config import RunOptions, StudyConfig
from study.errors import UsageError
from study.faults import faults_of
from study.layers import PRESET, Layer, merged, of_environment, of_file, of_flags, of_preset
from study.presets import DEFAULT_PRESET, PRESETS

if TYPE_CHECKING:
    import argparse

Model = TypeVar("Model", bound=BaseModel)

BUNDLED_DATA = ("wisdm51", "synthetic")


def resolve(
    arguments: argparse.Namespace, environ: Mapping[str, str] | None = None
) -> tuple[StudyConfig, RunOptions]:
    """Settings of a study and of this run of it.

    Args:
        arguments: what `study.run_arguments.RunParser` parsed.
        environ: environment variables; by default those of the process.

    Raises:
        UsageError: everything that is wrong, wherever it was said.
    """
    given = dict(vars(arguments))
    file = of_file(given.pop("config"))
    variables = of_environment(os.environ if environ is None else environ)
    layers = [file, variables, of_flags(given)]
    faults = [fault for layer in layers for fault in layer.faults]

    preset = of_preset(_preset(layers, faults))
    settings = [preset, *(layer.only_study() for layer in layers)]
    config = _valid(StudyConfig, settings, faults)
    options = _valid(RunOptions, [layer.only_options() for layer in layers], faults)
    faults += _data_faults(settings)
    if faults or config is None or options is None:
        raise UsageError(faults)
    return config, options


def _preset(layers: Sequence[Layer], faults: list[str]) -> str:
    """The preset that was asked for last; the default one where that does not exist."""
    for layer in reversed(layers):
        if PRESET not in layer.settings:
            continue
        name = layer.settings[PRESET]
        if isinstance(name, str) and name in PRESETS:
            return name
        hint = did_you_mean(str(name), PRESETS)
        expected = f"expected one of {', '.join(PRESETS)}"
        faults.append(f"{layer.name((PRESET,))}: {expected}, found {name!r}{hint}")
        break
    return DEFAULT_PRESET


def _valid(model: type[Model], layers: list[Layer], faults: list[str]) -> Model | None:
    try:
        return model.model_validate(merged(layers))
    except ValidationError as error:
        faults += faults_of(error, model, layers)
        return None


def _data_faults(layers: Sequence[Layer]) -> Iterator[str]:
    """Data that is neither bundled nor there; what is in it is for its reader to say."""
    for layer in reversed(layers):
        data = layer.settings.get("data")
        if not isinstance(data, str):
            continue
        path = Path(data)
        if data not in BUNDLED_DATA and not (path.is_dir() or _is_toml(path)):
            yield (
                f"{layer.name(('data',))}: expected {', '.join(BUNDLED_DATA)}, a CMI folder or a "
                f"TOML file, found {data!r}{did_you_mean(data, BUNDLED_DATA)}"
            )
        return


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml" and path.is_file()
