"""How many workers share a run, and how many trials each trains at once."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.config import RunOptions
    from study.rules import CellsLeft
    from study.worker.messages import Ready


@dataclass(frozen=True)
class Team:
    """The workers of one run."""

    devices: Sequence[str]
    """Of each worker, the first one's first."""
    asked: int | None
    """Trials of a job as the user wants them; None for as many as fit."""
    is_cpu: bool

    def stack(self, ready: Ready) -> int:
        """Most trials that a worker trains at once."""
        return self.asked or ready.stack

    def job(self, stack: int, left: CellsLeft) -> int:
        """Trials of the next job of a worker with that stack, so that every worker gets its part.

        A GPU takes hardly longer for its whole part than for some of it. A core
        takes as long as there are trials, and so the last ones are shared out.
        """
        if self.asked:
            return stack
        cells = left.unclaimed if self.is_cpu else left.of_stage
        part = math.ceil(cells / len(self.devices))
        return max(1, min(stack, part))


def team_of(options: RunOptions, ready: Ready, left: int) -> Team:
    """No more workers than there may be jobs; they take turns with the devices.

    Args:
        options: of the run.
        ready: what the first worker says of its machine.
        left: most cells that the run may have to train.
    """
    asked = None if options.stack == "auto" else options.stack
    is_cpu = ready.device == "cpu"
    one_each = _cores() if is_cpu else len(ready.devices)
    count = max(1, min(options.workers or one_each, math.ceil(left / (asked or 1))))
    devices = [ready.devices[i % len(ready.devices)] for i in range(count)]
    return Team(devices, asked, is_cpu)


def _cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
