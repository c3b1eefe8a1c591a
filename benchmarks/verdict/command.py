"""Flags of `python -m benchmarks.verdict`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import DONE, FAILED, INTERRUPTED, MISTAKE, Mistake
from benchmarks.verdict.musts import faults
from benchmarks.verdict.report import markdown
from benchmarks.verdict.simulate import simulate


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.verdict",
        description="Simulate studies whose truth is known and judge them as real ones are.",
        epilog="exit codes: 0 done, 1 a figure misses what it must reach (also by chance, with "
        "less than 2,000 studies), 2 a mistake in the arguments",
        allow_abbrev=False,
    )
    made.add_argument(
        "--studies", type=int, default=2000, metavar="N", help="of each kind (default: 2000)"
    )
    made.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    made.add_argument("--output", type=Path, metavar="F", help="file (default: standard output)")
    made.add_argument(
        "--format", choices=("table", "json"), default="table", help="(default: table)"
    )
    return made


def check(arguments: argparse.Namespace) -> None:
    """Find out before minutes are spent.

    Raises:
        Mistake: numbers out of range, or a file that cannot be written; all of them.
    """
    least = {"studies": 2, "seed": 0, "jobs": 1}
    wrong = [
        f"--{name}: expected a whole number of at least {low}, found {getattr(arguments, name)}"
        for name, low in least.items()
        if getattr(arguments, name) < low
    ]
    if arguments.output is not None:
        try:
            arguments.output.open("a").close()
        except OSError as error:
            wrong.append(f"--output: {arguments.output} cannot be written: {error.strerror}")
    if wrong:
        raise Mistake("\n".join(wrong))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = parser().parse_args(argv)
    try:
        check(arguments)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    started = time.perf_counter()
    try:
        generators = simulate(arguments.studies, arguments.seed, arguments.jobs)
    except KeyboardInterrupt:
        return INTERRUPTED
    seconds = time.perf_counter() - started
    print(f"{arguments.studies:,} studies of each kind: {seconds:.0f} s", file=sys.stderr)
    results = {"studies": arguments.studies, "seed": arguments.seed, "generators": generators}
    _write(results, arguments.format, arguments.output)
    wrong = faults(generators)
    print("\n".join(wrong or ["every figure reaches what it must"]), file=sys.stderr)
    return FAILED if wrong else DONE


def _write(results: dict[str, Any], form: str, output: Path | None) -> None:
    if form == "json":
        text = json.dumps(results, indent=1, allow_nan=False) + "\n"
    else:
        text = markdown(results) + "\n"
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
