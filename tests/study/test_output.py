"""Commands whose standard output or error is closed, full or read by nobody."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.logs import LogHandler
from study.progress import Progress
from tests.study import commands
from tests.study.recorded import BASELINE, database, recording
from tests.study.trainers import STEADY

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = database(tmp_path_factory.mktemp("recorded"))
    with recording(url) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
    return url


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run lines of bash; $PYTHON is this interpreter, the exit code that of the first command."""
    return subprocess.run(
        ["bash", "-c", f"{script}; exit ${{PIPESTATUS[0]}}"],
        cwd=commands.ROOT,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        check=False,
        text=True,
        timeout=commands.SECONDS,
    )


@pytest.mark.parametrize("module", ["study.report", "study.status", "storage upgrade"])
@pytest.mark.parametrize("redirection", ["| true", ">&-"])
def test_a_reader_that_is_gone_is_no_mistake(module: str, redirection: str, url: str) -> None:
    done = shell(f"$PYTHON -m {module} --storage {url} {redirection}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_output_to_a_full_disk_is_a_mistake_in_one_line(url: str) -> None:
    done = shell(f"$PYTHON -m study.report --storage {url} >{FULL}")
    assert done.returncode == 2
    assert done.stderr == "standard output cannot be written: No space left on device\n"


def test_a_study_goes_on_without_anybody_to_tell(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    run = f"import sys; from study.run import main; sys.exit(main(sys.argv[1:], '{STEADY}'))"
    flags = f"--n-trials 2 --preset smoke --storage {url}"
    done = shell(f'$PYTHON -c "{run}" {flags} 2>&1 | true')
    assert (done.returncode, done.stderr) == (0, "")
    assert [row.state for row in commands.rows(url)] == ["complete"] * 2


def test_progress_and_log_go_silent_with_their_stream() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as stream:
        progress = Progress(stream, total=2, epochs=2)
        progress.show([("fixed", 0)])
        log = logging.Logger("study.test")
        log.addHandler(LogHandler(stream))
        log.warning("nobody hears this")
        progress.close()
