"""`python -m storage upgrade`: create or migrate the schema."""

from __future__ import annotations

import argparse
import os
import sys

from storage.errors import StorageError
from storage.url import DEFAULT, VARIABLE


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0 done, 2 a storage that cannot be used."""
    arguments = _parser().parse_args(argv)
    from storage.schema import upgrade
    from storage.url import masked, resolve_url

    try:
        url = resolve_url(arguments.storage)
        revision = upgrade(url)
    except StorageError as error:
        print(error, file=sys.stderr)
        return 2
    _tell(f"{masked(url)}: schema {revision}")
    return 0


def _tell(text: str) -> None:
    """Print; that nobody can read it changes nothing about the tables."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m storage", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "upgrade", help="create or migrate the schema; safe to run twice and at the same time"
    )
    command.add_argument(
        "--storage",
        metavar="URL",
        help=f"sqlite:///FILE or postgresql://USER@HOST/DATABASE (default: ${VARIABLE}, "
        f"else {DEFAULT})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
