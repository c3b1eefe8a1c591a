"""Features on disk: one folder per key, its arrays memory-mapped.

    <root>/features/<key>/meta.json       what the set is, and a checksum of every file
                          features.npy, present.npy    [M, C]
                          sequence.npy    [4, N] start, length, label, subject
                          sequence_id.npy [N]
    <root>/content/, <root>/synthetic/    hashes of source files; generated data

A folder is written under another name and renamed when whole, so readers see
all of it or nothing; of two processes that build at once, the second takes what
the first wrote. Whatever does not fit its checksums is built again. A key says
all that an entry depends on, so entries never go stale; those unread for thirty
days are removed when a new one is written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.data.content import sampled_hash
from model.data.sequences import SequenceSet
from model.hierarchy import Hierarchy

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

CACHE_FORMAT = 1
"""Goes up when the layout of an entry changes."""

_UNREAD_SECONDS = 30 * 24 * 3600
_OURS = re.compile(r"[0-9a-f]{64}|\.new-\w+")
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)

_unwritable: set[Path] = set()


def default_root() -> Path:
    """STUDY_CACHE, else loss-weight-study below XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("STUDY_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "loss-weight-study"


def read(root: Path, key: str) -> SequenceSet | None:
    """Open an entry, its arrays memory-mapped; None if there is none or it is damaged."""
    folder = _entry(root, key)
    try:
        sequences = _open(folder, key)
    except (OSError, ValueError, LookupError, TypeError) as error:
        if os.path.lexists(folder):
            logger.warning("cache entry %s is damaged and is built again: %s", folder, error)
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return sequences


def store(root: Path, sequences: SequenceSet) -> SequenceSet:
    """Write a set under its digest and give it back from there, memory-mapped.

    A cache that cannot be written is warned of once; the set comes back as it is.
    """
    key = sequences.digest
    folder = _entry(root, key)
    try:
        install(
            folder,
            write=lambda new: _write(new, sequences),
            is_whole=lambda: read(root, key) is not None,
        )
    except OSError as error:
        warn_unwritable(root, error)
        return sequences
    return read(root, key) or sequences


def install(folder: Path, write: Callable[[Path], object], is_whole: Callable[[], bool]) -> None:
    """Make a folder appear whole: written beside it, flushed, renamed.

    Args:
        folder: where it shall be.
        write: fills the new, empty folder it is given.
        is_whole: whether what is at `folder` by now, from another process, will do.

    Raises:
        OSError: it cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_unread(folder.parent)
    with tempfile.TemporaryDirectory(
        prefix=".new-", dir=folder.parent, ignore_cleanup_errors=True
    ) as scratch:
        new = Path(scratch, "new")
        new.mkdir()
        write(new)
        for written in (*new.iterdir(), new):
            _flush(written)
        while not _renamed(new, folder):
            if is_whole():
                return
            with contextlib.suppress(FileNotFoundError):
                folder.rename(Path(tempfile.mkdtemp(dir=scratch), "damaged"))
        _flush(folder.parent)


def warn_unwritable(root: Path, error: OSError) -> None:
    """Say once per process and cache that nothing can be kept in it."""
    if root not in _unwritable:
        _unwritable.add(root)
        logger.warning(
            "the cache %s cannot be written (%s): features are computed again at every "
            "start; set STUDY_CACHE to a folder that can be written",
            root,
            error.strerror or error,
        )


def _entry(root: Path, key: str) -> Path:
    return root / "features" / key


def _open(folder: Path, key: str) -> SequenceSet:
    """Read an entry; OSError, ValueError, LookupError or TypeError if it is not one."""
    file = json.loads((folder / "meta.json").read_bytes())
    meta = file["meta"]
    if file["checksum"] != _checksum(meta) or (meta["key"], meta["format"]) != (key, CACHE_FORMAT):
        raise ValueError("meta.json is not that of this entry")
    arrays = {name: _open_array(folder, name, said) for name, said in meta["arrays"].items()}
    start, length, label, subject = arrays["sequence"]
    hierarchy = meta["hierarchy"]
    return SequenceSet(
        features=arrays["features"],
        present=arrays.get("present"),
        channels=tuple(meta["channels"]),
        start=start,
        length=length,
        label=label,
        subject=subject,
        sequence_id=arrays["sequence_id"],
        subject_names=tuple(meta["subject_names"]),
        hierarchy=Hierarchy(
            tuple(hierarchy["fine"]), tuple(hierarchy["coarse"]), hierarchy["other"]
        ),
        pilot_subjects=tuple(meta["pilot_subjects"]),
        digest=key,
    )


def _open_array(folder: Path, name: str, said: dict[str, Any]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    if path.stat().st_size != said["bytes"] or sampled_hash(path) != said["checksum"]:
        raise ValueError(f"{path.name} is not what was written")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(array.shape) != said["shape"] or array.dtype.str != said["dtype"]:
        raise ValueError(f"{path.name} holds {array.dtype} {array.shape}")
    return np.asarray(array)


def _write(folder: Path, sequences: SequenceSet) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "features": sequences.features,
        "sequence": np.stack(
            (sequences.start, sequences.length, sequences.label, sequences.subject)
        ),
        "sequence_id": sequences.sequence_id,
    }
    if sequences.present is not None:
        arrays["present"] = sequences.present
    hierarchy = sequences.hierarchy
    meta = {
        "format": CACHE_FORMAT,
        "key": sequences.digest,
        "arrays": {name: _save_array(folder, name, array) for name, array in arrays.items()},
        "channels": sequences.channels,
        "subject_names": sequences.subject_names,
        "hierarchy": {
            "fine": hierarchy.fine,
            "coarse": hierarchy.coarse,
            "other": hierarchy.other,
        },
        "pilot_subjects": sequences.pilot_subjects,
    }
    text = json.dumps({"checksum": _checksum(meta), "meta": meta}, indent=1)
    (folder / "meta.json").write_text(text, encoding="utf-8")


def _save_array(folder: Path, name: str, array: NDArray[Any]) -> dict[str, Any]:
    path = folder / f"{name}.npy"
    np.save(path, array, allow_pickle=False)
    return {
        "shape": array.shape,
        "dtype": array.dtype.str,
        "bytes": path.stat().st_size,
        "checksum": sampled_hash(path),
    }


def _checksum(meta: object) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _flush(path: Path) -> None:
    """Bring a file or a folder's list of names to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _renamed(new: Path, folder: Path) -> bool:
    """Rename; False where something is in the way."""
    try:
        new.rename(folder)
    except OSError as error:
        if error.errno in _OCCUPIED:
            return False
        raise
    return True


def _remove_unread(parent: Path) -> None:
    """Remove entries, and leftovers of processes that died, unread for thirty days."""
    oldest = time.time() - _UNREAD_SECONDS
    for path in parent.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if _OURS.fullmatch(path.name) and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
