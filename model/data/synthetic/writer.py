"""Writes a CMI folder: sequence after sequence, so that memory does not grow with their number."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.data.synthetic.people import DEMOGRAPHICS, UPSIDE_DOWN, Person, draw_people
from model.data.synthetic.protocol import plan
from model.data.synthetic.recording import (
    COLUMNS,
    TEST_COLUMNS,
    Take,
    held_out_lines,
    sequence_numbers,
    train_lines,
)
from model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SEQUENCES, SUBJECTS = 8151, 81
"""As many as CMI has."""
MOST_SUBJECTS = 100_000

_HELD_OUT = 2
"""Sequences of test.csv, as in CMI; the last half is from devices with an IMU alone."""

_PLAN, _TRAIN, _TEST = range(3)
"""Branches of the seed."""


def write_folder(
    folder: Path, *, sequences: int = SEQUENCES, subjects: int = SUBJECTS, seed: int = 0
) -> None:
    """Write train.csv, test.csv and the demographics of both; all of it or nothing.

    Args:
        folder: new or empty.
        sequences: of train.csv.
        subjects: of train.csv; never more of them than sequences.
        seed: the same numbers give the same files, byte for byte.

    Raises:
        ConfigError: numbers out of range, or a folder that is in use.
        OSError: the folder cannot be written.
    """
    folder = folder.resolve()
    _check(folder, sequences, subjects, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        unfinished = Path(beside) / folder.name
        unfinished.mkdir()
        _write(unfinished, sequences, min(subjects, sequences), seed)
        unfinished.replace(folder)


def _check(folder: Path, sequences: int, subjects: int, seed: int) -> None:
    faults = []
    if sequences < 1:
        faults.append(f"sequences: expected 1 or more, found {sequences}")
    if not 1 <= subjects <= MOST_SUBJECTS:
        faults.append(f"subjects: expected 1 to {MOST_SUBJECTS}, found {subjects}")
    if seed < 0:
        faults.append(f"seed: expected 0 or more, found {seed}")
    if folder.is_dir():
        if any(folder.iterdir()):
            faults.append(f"{folder}: expected a new or empty folder, found one with files in it")
    elif folder.exists():
        faults.append(f"{folder}: expected a new or empty folder, found a file")
    if faults:
        raise ConfigError("\n".join(faults))


def _write(folder: Path, sequences: int, subjects: int, seed: int) -> None:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_PLAN,)))
    people = draw_people(rng, subjects)
    takes = _takes(rng, people, sequences, (seed, _TRAIN))
    _write_table(folder / "train.csv", COLUMNS, (train_lines(take) for take in takes))
    _write_demographics(folder / "train_demographics.csv", people)

    known = {*UPSIDE_DOWN, *(person.subject for person in people)}
    strangers = draw_people(rng, _HELD_OUT, known)
    held_out = _takes(rng, strangers, _HELD_OUT, (seed, _TEST))
    lines = (held_out_lines(take, imu_only=i >= _HELD_OUT / 2) for i, take in enumerate(held_out))
    _write_table(folder / "test.csv", TEST_COLUMNS, lines)
    _write_demographics(folder / "test_demographics.csv", strangers)


def _takes(
    rng: np.random.Generator, people: Sequence[Person], sequences: int, branch: tuple[int, int]
) -> Iterator[Take]:
    """Deal sequences out to people; each has a child of the seed's branch of its own."""
    seed, key = branch
    trials = plan(rng, sequences, len(people))
    numbers = sequence_numbers(rng, sequences)
    for i, (number, trial) in enumerate(zip(numbers, trials, strict=True)):
        source = np.random.SeedSequence(seed, spawn_key=(key, i))
        yield Take(number, trial, people[trial.subject], source)


def _write_table(path: Path, columns: Sequence[str], lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.write(",".join(columns).encode() + b"\n")
        file.writelines(lines)


def _write_demographics(path: Path, people: Sequence[Person]) -> None:
    lines = sorted(f"{person.line()}\n".encode() for person in people)
    _write_table(path, DEMOGRAPHICS, lines)
