"""What docs/monitoring.md shows and promises, held to what there is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from study.logs import JsonFormatter
from study.report.activity import Activity, Running
from study.report.exposition import render
from tests.study.recorded import BASELINE
from tests.study.test_exposition import NOTHING
from tests.study.test_logs import record
from tests.study.trainers import STEADY

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/monitoring.md").read_text()
RUN = f"import sys; from study.run import main; sys.exit(main(sys.argv[1:], {STEADY!r}))"
SMALL = "--preset smoke --workers 1 --n-trials 2"


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(text: str, head: str) -> set[str]:
    """What stands as code in the first column of the table with that head."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return {
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


def shown_commands() -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for text in blocks for line in text.splitlines()]


def quick(command: str) -> str:
    """The command with a trainer that trains nothing, and few trials."""
    if "study.run" not in command:
        return command
    command = re.sub(r" --n-trials \d+", "", command)
    return command.replace("python -m study.run", f"python -c {shlex.quote(RUN)} {SMALL}")


def test_what_the_page_shows_runs(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STUDY_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    (tmp_path / "data").symlink_to(ROOT / "data")
    done = subprocess.run(
        ["bash", "-euc", "\n".join(map(quick, shown_commands()))],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"event": "trial_complete"') == 2
    assert "study 'study': 2 finished, 0 running" in done.stdout
    assert (
        'study_trials{study="study",state="complete"} 2\n' in (tmp_path / "study.prom").read_text()
    )


def test_events_of_the_page_are_those_of_the_code() -> None:
    listed = first_column(section("Logs"), "event")
    sources = [
        path.read_text() for path in (ROOT / "study").rglob("*.py") if path.name != "logs.py"
    ]
    named = {name for text in sources for name in re.findall(r'event="(\w+)"', text)}
    assert named <= listed
    for name in listed - {"crash"}:
        assert any(f'"{name}"' in text for text in sources), name


def test_the_line_that_the_page_shows_is_one_of_these() -> None:
    (shown,) = re.findall(r"^```json\n(.*)\n```$", PAGE, re.MULTILINE)
    line = json.loads(shown)
    about = {name: line[name] for name in ("trial", "cell", "arm", "worker", "cause")}
    assert len(line["cell"]) == len(BASELINE.hash)
    assert [*json.loads(JsonFormatter("mine").format(record("m", **about)))] == [*line]


def test_keys_of_status_are_listed() -> None:
    listed = first_column(section("Status"), "key of `--format json`")
    assert listed == {field.name for field in fields(Activity)}
    (of_running,) = re.findall(r"^\| `running` \| (.*) \|$", PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", of_running) == [field.name for field in fields(Running)]


def test_metrics_are_listed() -> None:
    listed = first_column(section("Prometheus"), "metric")
    assert listed == set(re.findall(r"# TYPE (\w+)", render(NOTHING)))


@pytest.mark.parametrize("flag", ["--log-format", "--log-level"])
def test_flags_of_the_log_are_listed(flag: str) -> None:
    assert flag in first_column(section("Logs"), "flag")
