"""Flags that several commands share, and how a command ends on a user's mistake."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from model.errors import ModelError
from storage.errors import StorageError
from storage.url import DEFAULT, VARIABLE
from study.errors import StudyError
from study.output import standard_error

DONE, MISTAKE = 0, 2
"""Exit codes."""


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Make the parser of `python -m MODULE`, with --storage."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}", description=description, allow_abbrev=False
    )
    add_storage(made)
    return made


def add_storage(to: argparse.ArgumentParser) -> None:
    """Add --storage."""
    to.add_argument(
        "--storage",
        metavar="URL",
        help=f"sqlite:///FILE or postgresql://USER@HOST/DATABASE (default: ${VARIABLE}, "
        f"else {DEFAULT})",
    )


def add_study_name(to: argparse.ArgumentParser) -> None:
    """Add --study-name."""
    to.add_argument("--study-name", metavar="S", default="study", help="(default: study)")


def exit_code(command: Callable[[], None]) -> int:
    """Run a command: 0 when done; after a mistake of the user, its message and 2."""
    try:
        command()
    except (ModelError, StorageError, StudyError) as error:
        print(error, file=standard_error())
        return MISTAKE
    return DONE
