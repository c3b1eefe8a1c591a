"""`python -m study.run` under conditions, with a trainer that is quick.

python -m tests.chaos.coordinate '{"lease_seconds": 4}' --n-trials 200 --storage URL ...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from study.run import main as run
from tests.chaos.conditions import Conditions

TRAINER = "tests.chaos.trainer:noting"


def main(argv: Sequence[str]) -> int:
    Conditions(**json.loads(argv[0])).meet()
    return run(argv[1:], TRAINER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
