"""From the name of a data set to its sequences: through the cache where it can.

What is in the cache is opened without pandas, pyarrow or torch.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from model.data.cache import CACHE_FORMAT, default_root, install, read, store, warn_unwritable
from model.data.content import content_hash, stamp
from model.data.features import FEATURE_VERSION, features, require_known
from model.data.sequences import SequenceSet
from model.data.spelling import did_you_mean
from model.errors import DataError, Fault

if TYPE_CHECKING:
    from model.data.sequences import Recording

_HERE = Path(__file__).parent
BUNDLED = _HERE.parents[1] / "data" / "wisdm51" / "wisdm51.toml"
CMI_FILES = ("train.csv", "train_demographics.csv")
SYNTHETIC_SEQUENCES = 400
SYNTHETIC_SUBJECTS = 12
SYNTHETIC_SEED = 0

_NAMES = ("wisdm51", "synthetic")
_FORMS = (
    "expected wisdm51, synthetic, a folder with CMI's train.csv, "
    "or a TOML file that describes a table"
)
_WITHOUT_EFFECT = ("__init__", "batches", "cache", "content", "folds", "load", "masks", "streams")
"""Modules of this package whose code does not change what an entry holds."""


@dataclass(frozen=True)
class Source:
    """A data set that was found: a table's description or a CMI folder."""

    path: Path

    def files(self) -> tuple[Path, ...]:
        """The files whose content is the data; without the table if the TOML does not say it."""
        if self.path.is_dir():
            return tuple(self.path / name for name in CMI_FILES)
        try:
            table = tomllib.loads(self.path.read_text(encoding="utf-8"))["path"]
            return self.path, self.path.parent / table
        except (OSError, ValueError, LookupError, TypeError):
            return (self.path,)

    def read(self) -> Recording:
        """Read and check it.

        Raises:
            DataError: all the faults its reader found.
        """
        if self.path.is_dir():
            from model.data.cmi import read_cmi

            return read_cmi(self.path)
        from model.data.table import read_table

        return read_table(self.path)


def load_sequences(
    data: str | Path, feature_set: str, cache_root: Path | None = None
) -> SequenceSet:
    """Load a data set's features, memory-mapped from the cache if they are in it.

    Args:
        data: wisdm51 (bundled), synthetic (generated once, CMI-shaped), a CMI
            folder, or a TOML file that describes a table.
        feature_set: `plan` or `gravity` (model.data.features).
        cache_root: folder of the cache; by default `cache.default_root()`.

    Raises:
        DataError: no such data, or all faults its reader found in it.
        ConfigError: an unknown feature set, or a description that is not as it should be.
    """
    require_known(feature_set)
    root = cache_root or default_root()
    if data == "synthetic":
        with _synthetic_folder(root) as folder:
            return _load(Source(folder), feature_set, root)
    return _load(_find(data), feature_set, root)


def _find(data: str | Path) -> Source:
    path = BUNDLED if data == "wisdm51" else Path(data)
    try:
        if path.is_dir() or (path.is_file() and path.suffix.lower() == ".toml"):
            return Source(path)
        found = f"{path}, which is not TOML" if path.exists() else f"nothing at {path}"
    except OSError as error:
        found = f"{path}, which cannot be opened ({error.strerror})"
    meant = did_you_mean(path.name, [*_neighbours(path), *_NAMES])
    raise DataError(str(data), [Fault(f"{_FORMS}; found {found}{meant}")])


def _neighbours(path: Path) -> list[str]:
    """Names of folders and TOML files where the path was looked for."""
    try:
        entries = list(path.parent.iterdir())
        return [entry.name for entry in entries if entry.is_dir() or entry.suffix == ".toml"]
    except OSError:
        return []


def _load(source: Source, feature_set: str, root: Path) -> SequenceSet:
    files = source.files()
    stamps = [_stamp(file) for file in files]
    key = _key(files, feature_set, root)
    stored = read(root, key)
    if stored is not None:
        return stored
    sequences = _compute(source.read(), feature_set, key)
    if [_stamp(file) for file in files] != stamps:
        raise DataError(
            str(source.path), [Fault("a file changed while it was read: start again when it rests")]
        )
    return store(root, sequences)


def _key(files: tuple[Path, ...], feature_set: str, root: Path) -> str:
    """Hash of all that a set of features depends on."""
    contents = [_content(file, root) for file in files]
    parts = (CACHE_FORMAT, FEATURE_VERSION, _reading_code(), feature_set, contents)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _content(file: Path, root: Path) -> str:
    """Content hash; of a file that cannot be read it is left to the reader to complain."""
    try:
        return content_hash(file, root)
    except OSError:
        return "unreadable"


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        return stamp(file)
    except OSError:
        return None


@cache
def _reading_code() -> str:
    """Hash of the source code of readers and features."""
    modules = [file for file in _HERE.glob("*.py") if file.stem not in _WITHOUT_EFFECT]
    return _hash_of_code([_HERE.parent / "hierarchy.py", *modules])


def _hash_of_code(modules: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for module in sorted(modules):
        digest.update(f"{module.name}\0".encode() + module.read_bytes() + b"\0")
    return digest.hexdigest()


def _compute(recording: Recording, feature_set: str, key: str) -> SequenceSet:
    values, present, channels = features(recording, feature_set)
    return SequenceSet(
        features=values,
        present=present,
        channels=channels,
        start=recording.start,
        length=recording.length,
        label=recording.label,
        subject=recording.subject,
        sequence_id=recording.sequence_id,
        subject_names=recording.subject_names,
        hierarchy=recording.hierarchy,
        pilot_subjects=recording.pilot_subjects,
        digest=key,
    )


@contextmanager
def _synthetic_folder(root: Path) -> Iterator[Path]:
    """A generated CMI folder: kept in the cache, or for this once if that cannot be written."""
    code = _hash_of_code((_HERE / "synthetic").rglob("*.py"))
    settings = (SYNTHETIC_SEQUENCES, SYNTHETIC_SUBJECTS, SYNTHETIC_SEED, code)
    name = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    folder = root / "synthetic" / name
    if _has_cmi_files(folder):
        yield folder
        return
    try:
        install(folder, write=_generate, is_whole=lambda: _has_cmi_files(folder))
    except OSError as error:
        warn_unwritable(root, error)
        with tempfile.TemporaryDirectory() as scratch:
            _generate(Path(scratch))
            yield Path(scratch)
    else:
        yield folder


def _has_cmi_files(folder: Path) -> bool:
    return all((folder / name).is_file() for name in CMI_FILES)


def _generate(folder: Path) -> None:
    from model.data.synthetic import write_folder

    write_folder(
        folder,
        sequences=SYNTHETIC_SEQUENCES,
        subjects=SYNTHETIC_SUBJECTS,
        seed=SYNTHETIC_SEED,
    )
