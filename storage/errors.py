"""Errors of the storage package.

StorageError
├── UrlError            a storage URL that cannot be used
├── UnavailableError    a database that cannot be opened, is locked, full or gone
├── SchemaError         tables that do not fit this version of the code
│   ├── SchemaTooNew
│   └── SchemaMissing
├── SecretError         a password or URL that a variable or file does not give (credentials)
├── RoleError           roles that cannot be made (roles)
├── BackupError         a copy that could not be made, or would not be sound (backup)
├── TruthError          true labels that cannot be read (truth)
├── StudyMissing        a study the database does not hold
└── ClaimLost           a trial that somebody else may hold by now
"""

from __future__ import annotations

from collections.abc import Sequence


class StorageError(Exception):
    """Base of what this package raises on purpose; its text is meant for the user."""


class UrlError(StorageError):
    """A storage URL that cannot be used."""


class UnavailableError(StorageError):
    """A database that cannot be opened, is locked, full or gone.

    `transient`: the same call may succeed later.
    """

    def __init__(self, url: str, what: str, *, transient: bool = False) -> None:
        self.transient = transient
        super().__init__(f"storage {url}: {what}")


class SchemaError(StorageError):
    """Tables that do not fit this version of the code."""


class SchemaTooNew(SchemaError):
    """The database was made by a newer version of the code."""


class SchemaMissing(SchemaError):
    """The database has no tables of this project."""


class StudyMissing(StorageError):
    """A study the database does not hold; the message names those it does."""

    def __init__(self, study: str, names: Sequence[str]) -> None:
        self.names = tuple(names)
        there = f"found {', '.join(map(repr, names))}" if names else "found none yet"
        super().__init__(f"expected {study} in the storage, {there}")


class ClaimLost(StorageError):
    """A trial whose claim no longer stands: its lease ran out, or it was ended already."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} is no longer held by this process")
