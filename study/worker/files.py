"""Files of a worker process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 4000


@dataclass(frozen=True)
class WorkerFiles:
    """Every path of one worker process from one object."""

    folder: Path
    name: str

    @property
    def log(self) -> Path:
        """What the process writes to its standard output and error."""
        return self.folder / f"{self.name}.log"

    def log_size(self) -> int:
        """Bytes in the log."""
        return self.log.stat().st_size

    def log_tail(self, since: int = 0, limit: int = TAIL_BYTES) -> str:
        """Last `limit` bytes of what was logged after byte `since`."""
        with self.log.open("rb") as file:
            file.seek(max(since, self.log_size() - limit))
            return file.read().decode(errors="replace").strip()
