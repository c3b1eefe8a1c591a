"""Ctrl-C and SIGTERM: the first asks to stop, the second ends the process at once."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Self


class StopSignal:
    """While entered, notes SIGINT and SIGTERM. `fileno` becomes readable when one comes."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe()
        self._before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
        for number in self._before:
            signal.signal(number, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read_end)
        os.close(self._write_end)

    def fileno(self) -> int:
        """File descriptor to wait for."""
        return self._read_end

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.requested = True
        for stop in self._before:
            signal.signal(stop, signal.SIG_DFL)
        os.write(self._write_end, b"\0")
