"""Error rates of the verdict by simulation: `python -m benchmarks.verdict --help`."""

import os
import sys

from benchmarks.children import THREADS

if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy is imported; children inherit it
    from benchmarks.verdict.command import main

    sys.exit(main())
