"""Flags of `python -m benchmarks`. Nothing heavy is imported before a row is measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import ROWS
from benchmarks.timing import REPEATS
from model.data.spelling import did_you_mean

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130


class Mistake(Exception):
    """Arguments that cannot be followed; its text says why."""


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure ours against what one would write instead, after checking that "
        "both compute the same.",
        epilog="exit codes: 0 done, 1 a check or a row failed, 2 a mistake in the arguments",
        allow_abbrev=False,
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="rows (default: all)")
    made.add_argument("--list", action="store_true", help="name the rows and measure none")
    made.add_argument(
        "--format", choices=("table", "json"), default="table", help="(default: table)"
    )
    made.add_argument("--output", type=Path, metavar="F", help="file (default: standard output)")
    made.add_argument(
        "--repeats", type=int, default=REPEATS, metavar="N", help=f"rounds (default: {REPEATS})"
    )
    return made


def listing() -> str:
    """All rows by name."""
    width = max(map(len, ROWS))
    return "".join(f"{name:{width}}  {entry.about}\n" for name, entry in ROWS.items())


def chosen(names: Sequence[str]) -> list[str]:
    """The rows of those names in the order of the registry; all if none is named.

    Raises:
        Mistake: names that are not rows.
    """
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        faults = [f"no row named {name!r}{did_you_mean(name, ROWS)}" for name in unknown]
        raise Mistake("\n".join([*faults, "python -m benchmarks --list names them all"]))
    return [name for name in ROWS if not names or name in names]


def check_options(repeats: int, output: Path | None) -> None:
    """Find out before hours are spent.

    Raises:
        Mistake: no round, or a file that cannot be written.
    """
    if repeats < 1:
        raise Mistake(f"--repeats: expected a whole number of at least 1, found {repeats}")
    if output is not None:
        try:
            output.open("a").close()
        except OSError as error:
            raise Mistake(f"--output: {output} cannot be written: {error.strerror}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = parser().parse_args(argv)
    if arguments.list:
        print(listing(), end="")
        return DONE
    try:
        names = chosen(arguments.names)
        check_options(arguments.repeats, arguments.output)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    from benchmarks.session import Session

    words = sys.argv[1:] if argv is None else argv
    session = Session(["python", "-m", "benchmarks", *words], arguments.format, arguments.output)
    try:
        return DONE if session.run(names, arguments.repeats) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
