"""Sequence ids as compact blobs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence


def pack_ids(ids: Sequence[str]) -> bytes:
    """Ids as zlib-compressed JSON."""
    return zlib.compress(json.dumps(list(ids), separators=(",", ":")).encode())


def unpack_ids(packed: bytes) -> tuple[str, ...]:
    """Inverse of `pack_ids`."""
    return tuple(json.loads(zlib.decompress(packed)))
