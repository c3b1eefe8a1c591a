"""What docs/postgresql.md and docs/backup.md show is run, each page in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.postgres import Cluster
from tests.study.commands import SMALL
from tests.study.trainers import STEADY

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DATABASES = ("study", "restored")


def script(page: str, server: Cluster) -> str:
    """Its commands, with a quick trainer, and this server in place of db.example."""
    text = "\n".join(BLOCK.findall((ROOT / "docs" / page).read_text()))
    small = " ".join(SMALL)
    trainer = f"import sys; from study.run import main; sys.exit(main(sys.argv[1:], '{STEADY}'))"
    text = re.sub(r"python -m study\.run(.*)", rf'python -c "{trainer}" \1 {small}', text)
    text = re.sub(r"--n-trials \d+", "--n-trials 4", text)
    return text.replace("@db.example/", "@/").replace("db.example", str(server.folder))


def run(page: str, folder: Path, server: Cluster) -> str:
    paths = (Path(sys.executable).parent, server.programs, os.environ["PATH"])
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("STUDY_", "PG"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(page, server)],
        cwd=folder,
        env=plain
        | {
            "PATH": ":".join(map(str, paths)),
            "PYTHONPATH": str(ROOT),
            "PGHOST": str(server.folder),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def without_databases(server: Cluster) -> Cluster:
    for name in DATABASES:
        server.psql("postgres", f"DROP DATABASE IF EXISTS {name}")
    return server


@pytest.mark.slow
def test_what_the_pages_show(without_databases: Cluster, tmp_path: Path) -> None:
    said = run("postgresql.md", tmp_path, without_databases)
    assert said.count("role study_worker") == 1
    assert "4 complete" in said
    assert said.rstrip().endswith("sound")
    said = run("backup.md", tmp_path, without_databases)
    assert "copied to copy.db" in said
    assert re.findall(r"^(?:un)?sound.*$", said, re.MULTILINE) == ["sound", "sound"]
    assert "4 complete" in said
