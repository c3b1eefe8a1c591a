"""Hashes of files by content, remembered so that a large file is read through once.

A hash is believed again while the file's size, times, inode and a sample of its
blocks are what they were. What is remembered lies in one small JSON per file
below the cache; it can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

_BLOCK = 4096
_SAMPLED_BLOCKS = 16
_SMALL = 1 << 20
"""Bytes up to which a sample is the whole file."""

_SETTLED_NS = 100_000_000
"""A file touched less long ago may change again without its times showing it."""

Identity = dict[str, str | int]


def sampled_hash(path: Path) -> str:
    """Hash of a file's size and of blocks spread over it; of all of it up to 1 MiB.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(size.to_bytes(8, "little"))
        if size <= _SMALL:
            digest.update(file.readall())
        else:
            for block in range(_SAMPLED_BLOCKS):
                place = (size - _BLOCK) * block // (_SAMPLED_BLOCKS - 1)
                digest.update(os.pread(file.fileno(), _BLOCK, place))
    return digest.hexdigest()


def stamp(path: Path) -> tuple[int, int, int, int]:
    """Size, mtime, ctime (ns) and inode of a file: they change when it does.

    Raises:
        OSError: there is no such file.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def content_hash(path: Path, root: Path) -> str:
    """SHA-256 of a file's content, from below the cache `root` if it is known there.

    Raises:
        OSError: the file cannot be read.
    """
    path = path.resolve()
    before = stamp(path)
    settled = time.time_ns() - max(before[1:3]) > _SETTLED_NS
    identity = _identity(path, before)
    memo = root / "content" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    known = _remembered(memo, identity)
    if known is not None:
        return known
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    if settled and stamp(path) == before:
        with contextlib.suppress(OSError):
            _write_atomically(memo, json.dumps({"file": identity, "sha256": content}))
    return content


def _identity(path: Path, stamped: tuple[int, int, int, int]) -> Identity:
    size, modified, changed, inode = stamped
    return {
        "path": os.fsdecode(path),
        "size": size,
        "mtime_ns": modified,
        "ctime_ns": changed,
        "inode": inode,
        "sample": sampled_hash(path),
    }


def _remembered(memo: Path, identity: Identity) -> str | None:
    try:
        entry = json.loads(memo.read_bytes())
        if entry["file"] == identity and len(bytes.fromhex(entry["sha256"])) == 32:
            return str(entry["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return None


def _write_atomically(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
