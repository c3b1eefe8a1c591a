"""Tables of a study: make or migrate them, check them, copy them, and who may use them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from storage.credentials import ROLE_PASSWORDS, secret
from storage.errors import StorageError
from storage.url import DEFAULT, VARIABLE

SOUND, UNSOUND, MISTAKE = 0, 1, 2
"""Exit codes."""


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit code: 0 done, 1 a database that is not sound, 2 a storage that cannot be used.
    """
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except StorageError as error:
        print(error, file=sys.stderr)
        return MISTAKE


def _upgrade(arguments: argparse.Namespace) -> int:
    from storage.schema import upgrade
    from storage.url import masked, resolve_url

    url = resolve_url(arguments.storage)
    _tell(f"{masked(url)}: schema {upgrade(url)}")
    return SOUND


def _check(arguments: argparse.Namespace) -> int:
    from storage.audit import audit
    from storage.url import resolve_url

    found = audit(resolve_url(arguments.storage), arguments.study_name)
    _tell((found.as_json() if arguments.format == "json" else found.as_text()).rstrip("\n"))
    return SOUND if found.is_sound else UNSOUND


def _backup(arguments: argparse.Namespace) -> int:
    from storage.backup import backup
    from storage.url import masked, resolve_url

    url = resolve_url(arguments.storage)
    size = backup(url, arguments.file)
    _tell(f"{masked(url)}: copied to {arguments.file}, {size / 2**20:.1f} MiB, checked")
    return SOUND


def _roles(arguments: argparse.Namespace) -> int:
    from storage.roles import Roles, make_roles
    from storage.url import masked, resolve_url

    url = resolve_url(arguments.storage)
    passwords = {kind: secret(variable) for kind, variable in ROLE_PASSWORDS.items()}
    roles = Roles(arguments.owner, arguments.worker, arguments.viewer)
    new = make_roles(url, roles, passwords)
    for name in (roles.owner, roles.worker, roles.viewer):
        _tell(f"{masked(url)}: role {name} {'made' if name in new else 'is up to date'}")
    return SOUND


def _tell(text: str) -> None:
    """Print; that nobody can read it changes nothing about the tables."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m storage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = [
        _command(
            commands,
            _upgrade,
            "create or migrate the schema; safe to run twice and at the same time",
        ),
        _with_check_flags(
            _command(commands, _check, "say whether a database is sound: exit 0 if so, else 1")
        ),
        _with_backup_flags(
            _command(commands, _backup, "copy an SQLite database to a new file, while it is in use")
        ),
        _with_role_flags(
            _command(commands, _roles, "make or update the PostgreSQL roles and their rights")
        ),
    ]
    parser.epilog = "\n".join(command.format_usage().removeprefix("usage: ") for command in made)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    run: Callable[[argparse.Namespace], int],
    what: str,
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        run.__name__.removeprefix("_"), help=what, description=what, allow_abbrev=False
    )
    made.set_defaults(command=run)
    made.add_argument(
        "--storage",
        metavar="URL",
        help=f"sqlite:///FILE or postgresql://USER@HOST/DATABASE (default: ${VARIABLE}, "
        f"else {DEFAULT})",
    )
    return made


def _with_check_flags(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--study-name", metavar="S", help="of this study only (default: all)")
    command.add_argument(
        "--format", choices=("text", "json"), default="text", help="(default: text)"
    )
    return command


def _with_backup_flags(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("file", metavar="FILE", type=Path, help="must not exist yet")
    return command


def _with_role_flags(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    for kind, variable in ROLE_PASSWORDS.items():
        command.add_argument(
            f"--{kind}",
            metavar="NAME",
            default=f"study_{kind}",
            help=f"its password is in ${variable} or the file ${variable}_FILE "
            f"(default: study_{kind})",
        )
    return command


if __name__ == "__main__":
    sys.exit(main())
