"""What a worker process writes to its standard output and error."""

from __future__ import annotations

import os
import tempfile

TAIL_BYTES = 4000


class WorkerLog:
    """A temporary file without a name: nobody can remove it, and no crash leaves it behind."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="study-")  # noqa: SIM115 (see `close`)

    def fileno(self) -> int:
        """File descriptor for the process to write to; the two share their place in the file."""
        return self._file.fileno()

    def size(self) -> int:
        """Bytes written so far."""
        return os.fstat(self.fileno()).st_size

    def tail(self, since: int = 0, limit: int = TAIL_BYTES) -> str:
        """End of what was written after byte `since`, at most `limit` bytes.

        Where the beginning is cut off, it begins with a whole line, or at least a whole
        word: half a URL would show its password, since nothing says that it is one.
        """
        start = max(since, self.size() - limit)
        found = os.pread(self.fileno(), limit, start)
        if start > since:
            parts = found.split(b"\n", 1) if b"\n" in found else found.split(None, 1)
            found = parts[1] if len(parts) > 1 else b""
        return found.decode(errors="replace").strip()

    def close(self) -> None:
        """Give the file up."""
        self._file.close()
