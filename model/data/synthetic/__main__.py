"""`python -m model.data.synthetic FOLDER`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from model.data.synthetic.writer import SEQUENCES, SUBJECTS, write_folder
from model.errors import ConfigError


def main() -> int:
    """Run the command; returns its exit code."""
    arguments = _parser().parse_args()
    folder: Path = arguments.folder
    try:
        write_folder(
            folder,
            sequences=arguments.sequences,
            subjects=arguments.subjects,
            seed=arguments.seed,
        )
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot write {folder}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted: nothing was written to {folder}", file=sys.stderr)
        return 130
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {arguments.sequences:,} sequences, {size / 1e6:,.0f} MB")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.data.synthetic",
        description="Write generated recordings as a folder of CMI's CSV files.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new or empty")
    parser.add_argument(
        "--sequences", type=int, default=SEQUENCES, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--subjects",
        type=int,
        default=SUBJECTS,
        metavar="M",
        help="default: %(default)s, but no more than there are sequences",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
