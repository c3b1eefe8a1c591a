"""A trainer that writes the database's address, password and all, wherever it can, and fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.study.trainers import Steady

if TYPE_CHECKING:
    from model.outcomes import Outcome, TrialSpec
    from study.config import StudyConfig
    from study.worker.process import OnEpoch

LEAKED = "LEAKED"
"""Variable that holds what it writes, parted by line breaks."""
LEAKING = "tests.study.leaking:leaking"


class Leaking(Steady):
    """Fails in its second epoch."""

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch) -> Sequence[Outcome]:
        addresses = os.environ[LEAKED].splitlines()
        for address in addresses:
            print(f"connecting to {address} as told", flush=True)
            print(f"could not connect: {address}", file=sys.stderr, flush=True)
        away = ConnectionError(f"{addresses[0]} is away")
        raise RuntimeError(f"no answer from {' and '.join(addresses)}") from away


def leaking(config: StudyConfig, device: str) -> Leaking:
    return Leaking(config, device)
