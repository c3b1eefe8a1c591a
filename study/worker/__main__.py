"""A worker as a process of its own: `<file descriptor> <parent process id> <module:factory>`."""

from __future__ import annotations

import sys

from study.worker.process import work

if __name__ == "__main__":
    work(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
