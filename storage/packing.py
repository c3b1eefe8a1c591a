"""Sequence ids as compact blobs."""

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


@lru_cache(maxsize=32)
def _packed(ids: tuple[str, ...]) -> bytes:
    """Kept, for the trials of a repeat are all tested on the same folds."""
    return zlib.compress(json.dumps(ids, separators=(",", ":")).encode())
