"""Secrets from environment variables and files.

A secret on a command line can be read by everybody on the machine. In a variable
it can be read by the same user's processes and by whoever inspects a container;
in a file, by whoever may read the file.
"""

from __future__ import annotations

import os
from pathlib import Path

from storage.errors import StorageError

STORAGE = "STUDY_STORAGE"
STORAGE_FILE = "STUDY_STORAGE_FILE"
STORAGE_PASSWORD_FILE = "STUDY_STORAGE_PASSWORD_FILE"  # noqa: S105 (a variable's name)
ROLE_PASSWORDS = {
    "owner": "STUDY_OWNER_PASSWORD",
    "worker": "STUDY_WORKER_PASSWORD",
    "viewer": "STUDY_VIEWER_PASSWORD",
}
"""Variable with the password of each database role; with _FILE added, the file that holds it."""
VARIABLES = frozenset(
    {
        *(STORAGE, STORAGE_FILE, STORAGE_PASSWORD_FILE),
        *ROLE_PASSWORDS.values(),
        *(f"{name}_FILE" for name in ROLE_PASSWORDS.values()),
    }
)
"""Every environment variable that this package reads."""


class SecretError(StorageError):
    """A secret that is missing, given twice, or in a file that cannot be read."""


def secret(variable: str) -> str | None:
    """Value of a variable, or what the file named by VARIABLE_FILE holds; None if neither is set.

    Raises:
        SecretError: both are set, or the file cannot be used.
    """
    value = os.environ.get(variable) or None
    in_file = secret_in_file(f"{variable}_FILE")
    if value is not None and in_file is not None:
        raise SecretError(f"expected {variable} or {variable}_FILE, found both; unset one of them")
    return value if in_file is None else in_file


def secret_in_file(variable: str) -> str | None:
    """What the file that a variable names holds, without its last line end; None if it is not set.

    Raises:
        SecretError: the file cannot be read, or is not one line of text.
    """
    name = os.environ.get(variable)
    if not name:
        return None
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise SecretError(f"{variable}: {name} cannot be read: {error.strerror}") from None
    except ValueError:  # also a name with a NUL character
        raise SecretError(
            f"{variable}: expected a file with one line of text in UTF-8, found other bytes"
        ) from None
    line = text.removesuffix("\n").removesuffix("\r")
    if not line.strip():
        raise SecretError(f"{variable}: expected one line in {name}, found nothing")
    if "\n" in line or "\r" in line or "\0" in line:
        raise SecretError(f"{variable}: expected one line in {name}, found more")
    return line
