"""Report what a study holds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from study.arguments import add_study_name, exit_code, parser
from study.errors import UsageError
from study.output import show

FORMATS = {
    "text": "study.report.text",
    "markdown": "study.report.markdown",
    "json": "study.report.as_json",
    "html": "study.report.html",
}
"""Module that renders each format."""


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0 done, 2 a mistake of the user."""
    arguments = _parser().parse_args(argv)
    return exit_code(lambda: _report(arguments))


def _parser() -> argparse.ArgumentParser:
    made = parser("study.report", __doc__)
    add_study_name(made)
    made.add_argument("--format", choices=FORMATS, default="text", help="(default: text)")
    made.add_argument(
        "--rope",
        metavar="D",
        type=_difference,
        help="differences up to this do not matter (default: as the study was made, .005)",
    )
    made.add_argument(
        "--difference",
        metavar="D",
        type=_difference,
        help="say what it takes to show this difference (default: that of --rope)",
    )
    made.add_argument("--output", metavar="F", type=Path, help="write to this file instead")
    return made


def _difference(text: str) -> float:
    """A difference in score."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, found {text!r}")
    return found


def _report(arguments: argparse.Namespace) -> None:
    from study.database import existing
    from study.report.conclusion import read
    from study.report.material import Question

    question = Question(arguments.rope, arguments.difference)
    with existing(arguments.storage) as engine:
        summary, findings = read(engine, arguments.study_name, question)
    rendered: str = import_module(FORMATS[arguments.format]).render(summary, findings)
    if arguments.output is None:
        show(rendered)
    else:
        _write(rendered, arguments.output)


def _write(rendered: str, output: Path) -> None:
    """Write a file whole, or leave what was there."""
    where = f"--output {output}"
    if not output.parent.is_dir():
        raise UsageError([f"{where}: folder {output.parent} does not exist; create it first"])
    try:
        if output.exists() and not output.is_file():  # a device or a pipe
            output.write_text(rendered, encoding="utf-8")
            return
        with tempfile.TemporaryDirectory(prefix=".report-", dir=output.parent) as scratch:
            written = Path(scratch, "report")
            written.write_text(rendered, encoding="utf-8")
            written.replace(output.resolve())
    except OSError as error:
        raise UsageError([f"{where}: cannot be written: {error.strerror}"]) from None


if __name__ == "__main__":
    sys.exit(main())
