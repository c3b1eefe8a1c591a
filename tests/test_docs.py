"""What README and docs show is run.

Blocks marked sh, python and toml FILE run in the order of their page, in an
empty folder with the bundled data. Studies run with the smoke preset and few
trials. "sh by-hand" marks what does not run here: installing, a server, or an
arm that the reader is to write first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*) *([\w.-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"sh", "python", "toml"}


@dataclass(frozen=True)
class Block:
    language: str
    argument: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in FENCE.findall(page.read_text())]


def runnable(page: Path) -> list[Block]:
    return [b for b in blocks(page) if b.language in LANGUAGES and b.argument != "by-hand"]


def shortened(line: str) -> str:
    """The command with the smoke preset, one worker and two trials."""
    if "study.run" not in line:
        return line
    line = re.sub(r" --preset \w+", "", line)
    return re.sub(r"--n-trials \d+", "--n-trials 2", line) + " --preset smoke --workers 1"


def run(block: Block, folder: Path) -> None:
    if block.language == "toml":
        (folder / block.argument).write_text(block.text)
        return
    if block.language == "python":
        command = [sys.executable, "-c", block.text]
    else:
        lines = map(shortened, block.text.splitlines())
        command = ["bash", "-euc", "\n".join(lines)]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    environment = {k: v for k, v in environment.items() if not k.startswith("STUDY_")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if runnable(page)], ids=lambda page: page.stem
)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    for block in runnable(page):
        run(block, tmp_path)


def test_what_is_not_run_is_only_what_cannot_be() -> None:
    by_hand = [b.text for page in PAGES for b in blocks(page) if b.argument == "by-hand"]
    first_lines = [text.splitlines()[0] for text in by_hand]
    assert len(first_lines) == 2
    assert first_lines[0] == "make study"
    assert "revised_uncertainty" in first_lines[1]


def links() -> Iterator[tuple[Path, str]]:
    for page in (*PAGES, ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(
    ("page", "target"), [pytest.param(*link, id=f"{link[0].stem}-{link[1]}") for link in links()]
)
def test_links_lead_somewhere(page: Path, target: str) -> None:
    assert (page.parent / target).exists()


def commands() -> set[tuple[str, str]]:
    """Module and flag of every command that a page mentions."""
    text = "\n".join(page.read_text() for page in PAGES)
    mentioned = re.findall(r"python -m ([a-z_.]+)([^`\n]*)", text)
    return {
        (module.rstrip("."), flag)
        for module, rest in mentioned
        for flag in re.findall(r"--[a-z][a-z-]*", rest) or [""]
    }


def test_commands_and_flags_that_pages_mention_exist() -> None:
    helps: dict[str, str] = {}
    for module, flag in sorted(commands()):
        if module not in helps:
            asked = [sys.executable, "-m", module, "--help"]
            done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
            helps[module] = done.stdout
        assert flag in helps[module], f"{module} has no {flag}"
