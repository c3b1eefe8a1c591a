"""Set-up files: pins, Makefile, CI, containers, and what must not stand in the tree."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # comes with Lightning, without types
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().lower().splitlines()
    if line and not line.startswith("#")
)
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    Requirement(text)
    for text in [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    if not text.startswith(PROJECT["name"])
]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_pin_lies_in_the_declared_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[requirement.name.lower()])


def test_pins_are_plain_versions() -> None:
    assert all(re.fullmatch(r"[0-9]+(\.[0-9a-z]+)*", version) for version in PINS.values())
    assert not {"pip", "setuptools", "wheel", PROJECT["name"]} & PINS.keys()


def tree() -> list[Path]:
    """Text files of the project: those of git, and new ones it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in files if path.is_file() and path.suffix != ".parquet"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"pypi\.org|pythonhosted|download\.pytorch|[-_](extra-)?index[-_]url|find[-_]links|/simple/",
        r"(?<![\w.])/(root|home|Users|work)/\w",
    ],
    ids=["address of a registry", "path of one machine"],
)
def test_tree_is_of_no_particular_place(pattern: str) -> None:
    texts = {path: path.read_text() for path in tree() if path != Path(__file__)}
    assert len(texts) > 50
    found = {str(path): hit[0] for path, text in texts.items() if (hit := re.search(pattern, text))}
    assert found == {}


def test_workflow_runs_what_runs_here() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["checks"]["steps"] if "run" in step]
    assert steps == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)


def test_every_target_of_ci_is_one_of_make() -> None:
    targets = re.findall(r"\bmake ([\w-]+)", (ROOT / ".ci/run").read_text())
    assert targets == ["test", "check", "test-slow"]
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def test_modules_of_the_makefile_exist() -> None:
    for module in re.findall(r"-m (study\.\w+)", (ROOT / "Makefile").read_text()):
        assert find_spec(module) is not None, module
