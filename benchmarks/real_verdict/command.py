"""Flags of `python -m benchmarks.real_verdict`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import DONE, FAILED, INTERRUPTED, MISTAKE, Mistake
from benchmarks.real_verdict.comparisons import KINDS, Setup, planned
from study.presets import PRESETS

SIZES = tuple(name for name in PRESETS if name != "full")


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.real_verdict",
        description="Train comparisons whose answer is known on wisdm51 and judge them as a "
        "study would: one arm under two names (aa), and crippled arms (known).",
        epilog="An interrupted run goes on where it was. Exit codes: 0 done, 1 a figure misses "
        "what it must reach, 2 a mistake in the arguments",
        allow_abbrev=False,
    )
    made.add_argument("kinds", nargs="*", metavar="KIND", help="aa, known (default: both)")
    made.add_argument("--pairs", type=int, default=24, metavar="N", help="of aa (default: 24)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    made.add_argument("--preset", choices=SIZES, default="quick", help="size (default: quick)")
    made.add_argument(
        "--output",
        type=Path,
        default=Path("real_verdict.json"),
        metavar="F",
        help="file that results are added to (default: real_verdict.json)",
    )
    return made


def check(arguments: argparse.Namespace) -> None:
    """Find out before minutes are spent.

    Raises:
        Mistake: unknown kinds, numbers out of range, or no folder to write to; all of them.
    """
    wrong = [
        f"expected {' or '.join(KINDS)}, found {kind!r}"
        for kind in arguments.kinds
        if kind not in KINDS
    ]
    least = {"pairs": 2, "seed": 0, "jobs": 1}
    wrong += [
        f"--{name}: expected a whole number of at least {low}, found {getattr(arguments, name)}"
        for name, low in least.items()
        if getattr(arguments, name) < low
    ]
    folder = arguments.output.absolute().parent
    if not folder.is_dir():
        wrong.append(f"--output: {folder} is no folder")
    if wrong:
        raise Mistake("\n".join(wrong))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = parser().parse_args(argv)
    from benchmarks.real_verdict import judged, report, runner

    try:
        check(arguments)
        setup = Setup(arguments.preset, seed=arguments.seed)
        comparisons = planned(arguments.kinds or KINDS, arguments.pairs)
        results = runner.run(comparisons, setup, arguments.output, arguments.jobs)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"interrupted; the same command goes on from {arguments.output}", file=sys.stderr)
        return INTERRUPTED
    print(report.markdown(results))
    wrong = judged.faults(results)
    print("\n".join(wrong or ["every figure reaches what it must"]), file=sys.stderr)
    return FAILED if wrong else DONE
