"""Whether a worker died for want of memory."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.worker.starter import Ending

_VMSTAT = Path("/proc/vmstat")


def oom_kills(vmstat: Path = _VMSTAT) -> int | None:
    """How many processes the kernel has ended for want of memory since the boot, if it says so."""
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return None
    counts = [int(line.split()[1]) for line in lines if line.startswith("oom_kill ")]
    return counts[0] if counts else None


def in_words(ended: Ending, before: int | None, now: int | None) -> str:
    """How a process ended; of SIGKILL, which is how the system frees memory, whether it did.

    Args:
        ended: how.
        before: `oom_kills` when the process began its job.
        now: and after its end.
    """
    if ended.signal != signal.SIGKILL:
        return ended.reason
    if before is None or now is None:
        return f"{ended.reason}, as the system does when memory runs out"
    if now > before:
        return f"{ended.reason}: the system ran out of memory"
    return f"{ended.reason}, and the system has not run out of memory: somebody sent it"
