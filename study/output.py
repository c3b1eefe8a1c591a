"""What commands write to standard output and error, where either may be closed, full or gone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from study.errors import UsageError


def show(text: str) -> None:
    """Write to standard output. That its reader has gone, as in `| head -1`, is no mistake.

    Raises:
        UsageError: it cannot be written for another reason, e.g. a full disk.
    """
    try:
        print(text, end="", flush=True)
    except OSError as error:
        silence(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise UsageError([f"standard output cannot be written: {error.strerror}"]) from None


def silence(stream: TextIO) -> None:
    """Have what a stream still holds, and gets from now on, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def standard_error() -> TextIO:
    """Standard error; a stream that goes nowhere if the process was started without."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (to the end)
    return sys.stderr
