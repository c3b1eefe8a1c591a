"""Pictures of the rows that are points: `python -m benchmarks.plots results.json FOLDER`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.command import DONE, MISTAKE, Mistake
from benchmarks.pages import fill, results_of
from benchmarks.svg import Chart
from benchmarks.table import Result

MARK = "plots"
STEP, MEMORY = "Time of a replica step", "Peak memory"
REPLICAS, MS = "replicas in the stack", "ms a replica step"
GROWTH = {
    "growth-replicas": (STEP, REPLICAS, MS),
    "growth-length": (STEP, "rows of a sequence", MS),
    "growth-width": (STEP, "width of the network", MS),
    "growth-memory": (MEMORY, REPLICAS, "MiB"),
}
"""Title and axes by the name of the row."""
Named = Iterator[tuple[str, Chart]]
"""Charts with the names of their files."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plots", description="Pictures of results.", allow_abbrev=False
    )
    parser.add_argument("results", nargs="+", type=Path, help="files of python -m benchmarks")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the SVG files go")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="PAGE",
        help=f"show them between the marks <!-- {MARK} --> and <!-- /{MARK} --> of this page",
    )
    arguments = parser.parse_args(argv)
    try:
        drawn = draw(results_of(arguments.results), arguments.folder)
        if arguments.into is not None:
            fill(arguments.into, MARK, shown(drawn, arguments.into.parent))
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    print(*drawn, sep="\n")
    return DONE


def draw(results: Sequence[Result], folder: Path) -> dict[Path, Chart]:
    """Write a picture of every row that is points.

    Raises:
        Mistake: no such rows, or a folder that cannot be written.
    """
    drawn = {folder / f"{name}.svg": chart for row in results for name, chart in charts(row)}
    if not drawn:
        raise Mistake(f"expected one of the rows {', '.join(ROWS)}, found none to draw")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, chart in drawn.items():
            path.write_text(chart.svg(), encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{folder}: {error.strerror}") from None
    return drawn


def charts(row: Result) -> Named:
    """What can be drawn of a row."""
    if row["name"] in ROWS and row["skipped"] is None:
        yield from ROWS[row["name"]](row)


def growth(row: Result) -> Named:
    """Points of a `growth-*` row."""
    details = row["details"]
    title, x, y = GROWTH[row["name"]]
    points = [(point[details["x"]], point[details["y"]]) for point in details["points"]]
    label = f"{title} ({details['device']})"
    yield f"{row['name']}-{details['kind']}", Chart(label, x, y, {"": points})


def coordinator(row: Result) -> Named:
    """CPU time a trial over the trials of a study."""
    sizes = row["details"]["trials"].items()
    series = {
        name: [(int(trials), found[key]) for trials, found in sizes]
        for name, key in (("coordinator", "ours_ms"), ("Optuna alone", "optuna_ms"))
    }
    yield "coordinator", Chart("CPU time a trial", "trials of the study", "ms a trial", series)


def gpu_study(row: Result) -> Named:
    """Time and memory over the stack, network `base`."""
    device = row["machine"].get("gpu") or row["machine"].get("device")
    for key, title, y in (("replica_step_ms", STEP, MS), ("peak_gib", MEMORY, "GiB")):
        grown = row["details"]["growth"]
        points = [(at["replicas"], at[key]) for at in grown if at.get(key) is not None]
        if points:
            yield f"gpu-study-{key}", Chart(f"{title} ({device})", REPLICAS, y, {"": points})


ROWS: Mapping[str, Callable[[Result], Named]] = {
    **dict.fromkeys(GROWTH, growth),
    "coordinator": coordinator,
    "gpu-study": gpu_study,
}
"""How each row that is points is drawn."""


def shown(drawn: Mapping[Path, Chart], folder: Path) -> str:
    """Markdown that shows pictures on a page of that folder."""
    return "\n\n".join(
        f"![{chart.title} over {chart.x}]({Path(os.path.relpath(path, folder)).as_posix()})"
        for path, chart in drawn.items()
    )


if __name__ == "__main__":
    sys.exit(main())
