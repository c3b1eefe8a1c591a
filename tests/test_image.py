"""The image, without a daemon: what goes into it, in which order, and that it is enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("model", "storage", "study")
TEXT = (ROOT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, with continued lines joined."""
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, rest) for word, _, rest in (ln.partition(" ") for ln in joined.splitlines()) if word
    ]


def all_of(word: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == word]


def copies() -> list[tuple[str, str]]:
    """Source and target of everything that is copied."""
    words = [rest.split() for rest in all_of("COPY")]
    return [(source, target) for *sources, target in words for source in sources]


def pattern(glob: str) -> re.Pattern[str]:
    """What a line of .dockerignore matches: paths, and all below them."""
    parts = re.split(r"(\*\*/|\*\*|\*)", glob)
    kinds = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(kinds.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")


def in_context(path: str) -> bool:
    """Whether Docker gets to see a file: the last line that matches decides."""
    seen = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and pattern(line.removeprefix("!")).fullmatch(path):
            seen = line.startswith("!")
    return seen


def tracked(*paths: str) -> list[str]:
    """Files of git, and new ones it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.example",
        ".git/HEAD",
        "secrets/owner_password",
        "study.db",
        "study.db-wal",
        "study/study.db",
        "tests/test_image.py",
        "benchmarks/results.json",
        "data/own/train.csv",
        "data/own.toml",
        "data/wisdm51/.env",
        "study-logs/log",
        "model/__pycache__/config.cpython-311.pyc",
        "study/web/__pycache__/server.cpython-311.pyc",
        ".venv/bin/python",
        "study.dump",
    ],
)
def test_stays_out(path: str) -> None:
    assert not in_context(path)


def test_every_file_of_the_packages_and_the_bundled_data_is_seen() -> None:
    files = tracked(*PACKAGES, "data/wisdm51")
    assert len(files) > 100
    assert [file for file in files if not in_context(file)] == []


def test_every_source_of_a_copy_is_there_and_seen() -> None:
    assert {source for source, _ in copies()} == {
        *("constraints.txt", "pyproject.toml", "LICENSE", "data/wisdm51"),
        *PACKAGES,
    }
    for source, target in copies():
        assert (ROOT / source).exists()
        assert any(map(in_context, tracked(source)))
        assert target == ("./" if (ROOT / source).is_file() else source)


def test_what_changes_often_comes_after_what_takes_long() -> None:
    order = [
        "torch" if "TORCH" in rest else "install" if "pip install" in rest else rest.split()[0]
        for word, rest in instructions()
        if word == "COPY" or (word == "RUN" and "pip" in rest)
    ]
    packages = [order.index(name) for name in PACKAGES]
    assert order[:4] == ["constraints.txt", "torch", "pyproject.toml", "install"]
    assert min(packages) > order.index("data/wisdm51") > order.index("install")


def test_runs_as_nobody_in_particular() -> None:
    (user,) = all_of("USER")
    made = re.search(r"useradd --uid (\d+)", TEXT)
    assert made
    assert user == made[1] != "0"
    last_change = max(i for i, (word, _) in enumerate(instructions()) if word in {"RUN", "COPY"})
    assert instructions().index(("USER", user)) > last_change


def test_nothing_secret_is_said() -> None:
    assert not re.search("password|secret|token", TEXT, re.IGNORECASE)
    assert set(re.findall(r"^ARG (\w+)=", TEXT, re.MULTILINE)) == {"TORCH", "COMMIT"}


def test_commit_is_recorded_by_the_last_layers(tmp_path: Path) -> None:
    names = [word for word, _ in instructions()]
    assert "ENV STUDY_COMMIT=${COMMIT}" in TEXT
    assert names.index("USER") > len(names) - 1 - names[::-1].index("ARG") > names.index("RUN")


def installed(folder: Path, torch: str) -> list[str]:
    """Arguments of pip, and what it was to install, as the image's RUN lines call it."""
    log, path = folder / "pip.log", folder / "bin"
    path.mkdir()
    (path / "pip").write_text(
        f'#!/bin/sh\nprintf "%s " "$#" "$@" >> {log}\necho >> {log}\nfor last; do :; done\n'
        f'[ "${{last#/}}" = "$last" ] || cat "$last" >> {log}\n'
    )
    (path / "pip").chmod(0o755)
    (path / "python").symlink_to(sys.executable)
    shutil.copy(ROOT / "pyproject.toml", folder)
    needed = str(folder / "needed")
    for run in all_of("RUN"):
        if "pip install" in run:
            script = run.partition(" && useradd")[0].replace("/tmp/needed", needed)
            script = re.sub(r"\s+&& useradd.*", "", script)
            environment = os.environ | {"TORCH": torch, "PATH": f"{path}:{os.environ['PATH']}"}
            subprocess.run(["sh", "-euc", script], cwd=folder, env=environment, check=True)
    assert not (folder / "needed").exists()
    return log.read_text().splitlines()


@pytest.mark.parametrize("torch", ["torch", "-i address-of-builds torch"])
def test_torch_is_chosen_by_argument_and_the_rest_comes_from_the_project(
    tmp_path: Path, torch: str
) -> None:
    first, second, *needed = installed(tmp_path, torch)
    assert (
        first.rstrip() == f"{3 + len(torch.split())} install --constraint constraints.txt {torch}"
    )
    assert second.startswith("5 install --constraint constraints.txt --requirement ")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert needed == [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the image and no other."""
    folder = tmp_path_factory.mktemp("image")
    for source, _ in copies():
        for name in filter(in_context, tracked(source)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def run(image: Path, *arguments: str, cache: Path | None = None) -> str:
    """Run Python there; what it said."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("STUDY_", "PYTHON"))}
    kept |= {"PYTHONDONTWRITEBYTECODE": "1"} | ({"STUDY_CACHE": str(cache)} if cache else {})
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=image, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["study.run", "study.dashboard", "study.status", "storage"])
def test_commands_run_from_the_files_of_the_image(image: Path, module: str) -> None:
    origin = (
        "import sys, model, storage, study; print(model.__path__, storage.__path__, study.__path__)"
    )
    assert run(image, "-c", origin).count(str(image)) == len(PACKAGES)
    assert f"usage: python -m {module}" in run(image, "-m", module, "--help")


def test_tables_and_bundled_data_are_there(image: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    assert "schema" in run(image, "-m", "storage", "upgrade", "--storage", url)
    asked = ("--n-trials", "1", "--preset", "smoke", "--dry-run", "--storage", url)
    assert "fixed" in run(image, "-m", "study.run", *asked, cache=tmp_path)


def test_byte_code_of_all_sources_is_used_as_it_is(image: Path) -> None:
    (command,) = [rest for rest in all_of("RUN") if "compileall" in rest]
    run(image, *command.split()[1:])
    sources = [path for package in PACKAGES for path in (image / package).rglob("*.py")]
    for source in sources:
        (compiled,) = (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"  # by hash, and not looked at again
