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
        """Last `limit` bytes of what was written after byte `since`."""
        start = max(since, self.size() - limit)
        return os.pread(self.fileno(), limit, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Give the file up."""
        self._file.close()
