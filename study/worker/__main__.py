"""Entry point of a worker process; see `study.worker.process`."""

from __future__ import annotations

import sys

from study.worker.process import main

if __name__ == "__main__":
    main(sys.argv[1:])
