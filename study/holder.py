"""Which process holds a claim, and whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

import psutil

from storage.rows import Holder

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_SAME_START_SECONDS = 0.05


def this_process() -> Holder:
    """This process as a holder of claims."""
    pid = os.getpid()
    started = _started(pid)
    assert started is not None
    return Holder(uuid.uuid4().hex, socket.gethostname(), _boot(), pid, started)


def is_alive(holder: Holder) -> bool | None:
    """Whether the process runs; None if it cannot be seen from here.

    A process of another machine, another boot or another container cannot be
    seen, nor told from one of this machine by its name alone: two machines may
    have the same. The lease decides about those.
    """
    if (holder.host, holder.boot) != (socket.gethostname(), _boot()):
        return None
    started = _started(holder.pid)
    return started is not None and abs(started - holder.started) < _SAME_START_SECONDS


def _boot() -> str:
    """The machine's current boot, and within it the space in which process ids mean something."""
    try:
        return f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.stat().st_ino}"
    except OSError:
        return str(int(psutil.boot_time()))


def _started(pid: int) -> float | None:
    """Seconds after the boot at which a process started; None if it does not run.

    Counted from the boot, the time does not move when the clock is set.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
