"""Takes up what processes that died have left: their cells, and trials Optuna takes for running."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from study.holder import is_alive
from study.logs import about

if TYPE_CHECKING:
    from storage.runs import Runs
    from study.mirror import Mirror

log = logging.getLogger(__name__)

_NEVER_ATTACHED = "the process that made this trial died before it began"


def reconcile(runs: Runs, mirror: Mirror) -> None:
    """Free the cells of dead processes, and tell Optuna how every ended run has ended.

    Several processes may do so at once.
    """
    for lost in runs.reap(is_alive):
        log.warning(
            "trial %s (%s) was lost and its cell is free again: %s",
            "-" if lost.number is None else lost.number,
            lost.arm,
            lost.reason,
            extra=about(event="lease_lost", trial=lost.number, cell=lost.cell, arm=lost.arm),
        )
    untold = runs.untold()
    for run in untold:
        if run.state in {"complete", "pruned"}:
            mirror.end(run.trial_id, run.state, run.value)
        else:
            mirror.fail(run.trial_id, run.state, run.cause, run.reason)
    if untold:
        runs.told([run.run_id for run in untold])
    for trial_id in runs.orphans(mirror.running()):
        mirror.fail(trial_id, "released", "lost_lease", _NEVER_ATTACHED)
