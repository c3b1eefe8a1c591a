"""Copies an SQLite database while it is in use, and says how to copy one of PostgreSQL."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from storage.engine import open_engine, translated
from storage.errors import StorageError
from storage.url import masked, parse, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import Engine


class BackupError(StorageError):
    """A copy that could not be made, or that would not be sound."""


def backup(url: str, target: Path) -> int:
    """Copy an SQLite database as it is at one moment. Returns the size of the copy in bytes.

    Whoever writes to the database meanwhile does not wait. The copy gets its name when it is
    on disk and has been checked, and may be read by whoever may read the database.

    Args:
        url: of the database.
        target: the file to make; it must not exist.

    Raises:
        BackupError: the file exists or cannot be written, or the database is damaged or one
            of PostgreSQL.
        UnavailableError: the database cannot be read.
    """
    source = sqlite_path(url)
    if source is None:
        raise BackupError(
            f"storage {masked(url)}: PostgreSQL has a program for this; run\n"
            f"  {dump_command(url, target)}"
        )
    engine = open_engine(url)
    try:
        with _reserved(target) as part:
            _copy(engine, part, target)
            shutil.copymode(source, part)
            _check(part, masked(url))
            _to_disk(part)
            part.replace(target)
            _to_disk(target.absolute().parent)
    except OSError as error:
        raise BackupError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        engine.dispose()
    return target.stat().st_size


def dump_command(url: str, target: Path) -> str:
    """The command that copies a PostgreSQL database, without the password."""
    from psycopg.conninfo import make_conninfo

    parsed = parse(url)
    _, settings = parsed.get_dialect()().create_connect_args(parsed)
    public = {name: value for name, value in settings.items() if not name.endswith("password")}
    return shlex.join(
        ["pg_dump", "--format=custom", f"--file={target}", f"--dbname={make_conninfo(**public)}"]
    )


@contextmanager
def _reserved(target: Path) -> Iterator[Path]:
    """File to write the copy into; an empty target keeps others from its name meanwhile."""
    try:
        target.touch(exist_ok=False)
    except FileExistsError:
        raise BackupError(
            f"{target}: expected a file that does not exist yet; name another, or remove it"
        ) from None
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        yield part
    except BaseException:
        part.unlink(missing_ok=True)
        target.unlink()
        raise


def _copy(engine: Engine, part: Path, target: Path) -> None:
    """In one step: in several, every write of another process would start it anew."""
    with translated(engine), engine.connect() as connection:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        with closing(sqlite3.connect(part)) as copy:
            try:
                source.backup(copy, pages=-1)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
                    raise
                raise BackupError(f"{target}: cannot be written: {error}") from None


def _check(part: Path, storage: str) -> None:
    with closing(sqlite3.connect(part)) as copy:
        try:
            (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said != "ok":
        raise BackupError(
            f"storage {storage}: it is damaged, and so would be its copy: {said}; "
            "go back to an older copy"
        )


def _to_disk(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
