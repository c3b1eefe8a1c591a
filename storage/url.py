"""Parsing, checking and masking of storage URLs. Nothing here opens a database."""

from __future__ import annotations

import logging
import os
import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from storage import credentials
from storage.credentials import secret, secret_in_file
from storage.errors import UrlError

if TYPE_CHECKING:
    from sqlalchemy import URL

log = logging.getLogger(__name__)

DEFAULT = "sqlite:///study.db"
VARIABLE = credentials.STORAGE
EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"

_SQLITE_HEADER = b"SQLite format 3\0"
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}
_PASSWORD_FILE = credentials.STORAGE_PASSWORD_FILE

# Of a text that is one URL, everything up to its last @ may be password, and everything up to
# the next &. Within other text a password ends at a space or quote, unless no @ comes before.
_ONE_URL = re.compile(r"\s*[\w+]+://(?:\S*|(?:(?!\s[\w+]+://).)*)\Z", re.DOTALL)
_USER_OF_ONE = re.compile(r"(?<=://)([^/@:]*):.*@", re.DOTALL)
_ARGUMENT_OF_ONE = re.compile(r"(?<=[?&])(\w*password)=[^&]*", re.IGNORECASE)
_MISTYPED = re.compile(r"\A((?:[\w+]+:/*)?[^:@]*):.*@", re.DOTALL)
_USER = re.compile(
    r"""(?<=://)([^/@:\n"'<>]*):(?:[^\s"'<>]*@|[^\n"'<>@/]*@(?:[^\s"'<>]*@)?)""",
)
_ARGUMENT = re.compile(r"(?<=[?&])(\w*password)=[^&\s]*", re.IGNORECASE)
_SETTING = re.compile(
    r"""(?<![?&\w])(\w*password\s*=\s*|(["'])\w*password\2\s*:\s*)"""
    r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\S*)""",
    re.IGNORECASE | re.DOTALL,
)
"""As libpq takes it (password=... or 'quoted'), and as Python prints a dictionary."""


def resolve_url(flag: str | None) -> str:
    """Storage URL to use, checked, with its password.

    The URL is the flag, else STUDY_STORAGE or what STUDY_STORAGE_FILE holds, else
    sqlite:///study.db. A PostgreSQL URL without a password gets the one in the file
    that STUDY_STORAGE_PASSWORD_FILE names.

    Raises:
        UrlError: an unknown scheme, a driver that is not installed, a file that cannot
            be a database that is read and written, or a second password.
        SecretError: a file of a secret cannot be used, or the URL is given twice.
    """
    text = flag if flag is not None else secret(VARIABLE) or DEFAULT
    if not _is_unicode(text):
        raise UrlError(f"storage: {EXPECTED} in UTF-8, found {text!r}")
    url = parse(text)
    path = sqlite_path(url)
    if path is not None:
        _check_file(path, f"storage {masked(text)}")
    else:
        url = _with_password(url, text)
    return url.render_as_string(hide_password=False)


def parse(text: str) -> URL:
    """Parse a URL and complete its driver: PostgreSQL goes through psycopg.

    Raises:
        UrlError: not a URL of SQLite or PostgreSQL, or one that lacks a part.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        found = _MISTYPED.sub(r"\1:***@", masked(text))
        raise UrlError(f"storage: {EXPECTED}, found {found!r}") from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _checked_sqlite(url.set(drivername="sqlite"), text)
    if url.drivername in _POSTGRESQL:
        return _checked_postgresql(url.set(drivername="postgresql+psycopg"), text)
    if url.get_backend_name() == "postgresql":
        raise UrlError(
            f"storage {masked(text)}: expected the driver psycopg, "
            f"found {url.get_driver_name()!r}; write postgresql://..."
        )
    raise UrlError(f"storage: {EXPECTED}, found scheme {url.drivername!r}")


def masked(text: str | URL) -> str:
    """Text without the passwords of URLs and connection settings in it; or a URL without its own.

    What looks like a password is masked, whether the URL can be parsed or not.
    """
    if not isinstance(text, str):
        text = text.render_as_string(hide_password=False)
    is_one = _ONE_URL.match(text)
    text = (_USER_OF_ONE if is_one else _USER).sub(r"\1:***@", text)
    text = (_ARGUMENT_OF_ONE if is_one else _ARGUMENT).sub(r"\1=***", text)
    return _SETTING.sub(r"\1***", text)


def sqlite_path(url: str | URL) -> Path | None:
    """File of an SQLite URL; None for another database."""
    parsed = parse(url) if isinstance(url, str) else url
    if parsed.get_backend_name() != "sqlite" or parsed.database is None:
        return None
    return Path(parsed.database)


def _with_password(url: URL, text: str) -> URL:
    """Complete the URL's password from its file; warn of one that everybody can see."""
    given = url.password or url.query.get("password")
    if given is not None and any(text in argument for argument in sys.argv[1:]):
        _warn_of_visible_password()
    found = secret_in_file(_PASSWORD_FILE)
    if found is None or found == given:
        return url
    if given is not None:
        raise UrlError(
            f"storage {masked(text)}: expected one password, found one in the URL and another in "
            f"the file that {_PASSWORD_FILE} names; take one away"
        )
    if not url.username:
        raise UrlError(
            f"storage {masked(text)}: expected a user to go with the password of "
            f"{_PASSWORD_FILE}, as in postgresql://USER@HOST/DATABASE"
        )
    return url.set(password=found)


@cache
def _warn_of_visible_password() -> None:
    """Once a process."""
    log.warning(
        "storage: everybody on this machine can see a password on the command line; leave it out, "
        "write it to a file and name the file in %s",
        _PASSWORD_FILE,
    )


def _checked_sqlite(url: URL, text: str) -> URL:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise UrlError(
            f"storage {masked(text)}: expected a file that several processes can open, "
            "as in sqlite:///study.db"
        )
    if url.host or url.query:
        raise UrlError(
            f"storage {masked(text)}: expected nothing but a path after sqlite:///; "
            "an absolute path has four slashes, as in sqlite:////data/study.db"
        )
    return url


def _checked_postgresql(url: URL, text: str) -> URL:
    if not url.database and "dbname" not in url.query:
        raise UrlError(
            f"storage {masked(text)}: expected the name of a database, "
            "as in postgresql://USER@HOST/DATABASE"
        )
    if find_spec("psycopg") is None:
        raise UrlError(
            f"storage {masked(text)}: PostgreSQL needs the package psycopg, which is not "
            'installed; run pip install "loss-weight-study[postgresql]"'
        )
    return url


def _is_unicode(text: str) -> bool:
    """Whether it is free of bytes of a command line that no encoding explains."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_file(path: Path, where: str) -> None:
    try:
        _check_folder(path.absolute().parent, where)
        if path.is_dir():
            raise UrlError(f"{where}: expected a file, but {path} is a folder")
        if path.exists():
            _check_database(path, where)
    except OSError as error:
        raise UrlError(f"{where}: {path} cannot be opened: {error.strerror}") from None


def _check_folder(parent: Path, where: str) -> None:
    """SQLite makes files beside its own, even to read."""
    for folder in (parent, *parent.parents):
        if folder.is_dir():
            break
        if folder.exists():
            raise UrlError(f"{where}: expected a folder, but {folder} is a file")
    if not parent.is_dir():
        raise UrlError(f"{where}: folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UrlError(
            f"{where}: folder {parent} cannot be written, and SQLite keeps files beside the "
            "database, even to read it; use another folder, or copy the database to one"
        )


def _check_database(path: Path, where: str) -> None:
    if not path.is_file():
        raise UrlError(f"{where}: expected an SQLite database, but {path} is no regular file")
    with path.open("rb") as file:
        header = file.read(len(_SQLITE_HEADER))
    if header and header != _SQLITE_HEADER:
        raise UrlError(f"{where}: expected an SQLite database, but {path} is something else")
    if not os.access(path, os.W_OK):
        raise UrlError(f"{where}: {path} cannot be written; change its permissions, or copy it")
