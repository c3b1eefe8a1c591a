"""Measure ours against what one would write instead: `python -m benchmarks --help`."""

import sys

from benchmarks.children import clear_environment
from benchmarks.command import main

if __name__ == "__main__":
    clear_environment()
    sys.exit(main())
