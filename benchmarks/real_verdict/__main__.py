"""A/A and known-answer study on real data: `python -m benchmarks.real_verdict --help`."""

import os
import sys

from benchmarks.children import THREADS

if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before NumPy is imported; children inherit it
    from benchmarks.real_verdict.command import main

    sys.exit(main())
