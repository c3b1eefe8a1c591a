"""Ids and subjects of sequences as compact blobs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from functools import lru_cache


def pack_ids(ids: Sequence[str]) -> bytes:
    """Ids as zlib-compressed JSON."""
    return _packed(tuple(ids))


def unpack_ids(packed: bytes) -> tuple[str, ...]:
    """Inverse of `pack_ids`."""
    return tuple(json.loads(zlib.decompress(packed)))


def pack_subjects(subjects: Sequence[str]) -> bytes:
    """Subject of each sequence: names once each, and positions among them, as compressed JSON."""
    position = {name: i for i, name in enumerate(dict.fromkeys(subjects))}
    return _compressed([list(position), [position[name] for name in subjects]])


def unpack_subjects(packed: bytes) -> tuple[str, ...]:
    """Inverse of `pack_subjects`."""
    names, positions = json.loads(zlib.decompress(packed))
    return tuple([names[i] for i in positions])


@lru_cache(maxsize=32)
def _packed(ids: tuple[str, ...]) -> bytes:
    """Kept, for the trials of a repeat are all tested on the same folds."""
    return _compressed(ids)


def _compressed(content: Sequence[object]) -> bytes:
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())
