"""Show what a study is doing: what runs where, what waits, what failed and why."""

from __future__ import annotations

import argparse
import sys

from study.arguments import add_study_name, exit_code, parser
from study.output import show

FORMATS = ("text", "json", "prometheus")


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0 done, 2 a mistake of the user."""
    arguments = _parser().parse_args(argv)
    return exit_code(lambda: _show(arguments))


def _parser() -> argparse.ArgumentParser:
    made = parser("study.status", __doc__)
    add_study_name(made)
    made.add_argument("--format", choices=FORMATS, default="text", help="(default: text)")
    return made


def _show(arguments: argparse.Namespace) -> None:
    from study.database import existing
    from study.report import activity, activity_text, exposition

    render = {
        "text": activity_text.render,
        "json": activity.as_json,
        "prometheus": exposition.render,
    }[arguments.format]
    with existing(arguments.storage) as engine:
        found = activity.read(engine, arguments.study_name)
    show(render(found))


if __name__ == "__main__":
    sys.exit(main())
