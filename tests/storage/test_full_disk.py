"""A disk that is full: one message, wherever it strikes."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kibibytes", [0, 8, 120, 240])
def test_an_upgrade_without_room_says_so(kibibytes: int, tmp_path: Path) -> None:
    limit = kibibytes * 1024
    done = subprocess.run(
        [sys.executable, "-m", "storage", "upgrade", "--storage", f"sqlite:///{tmp_path}/study.db"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith(f"storage sqlite:///{tmp_path}/study.db: ")
    assert done.stderr.count("\n") == 1
