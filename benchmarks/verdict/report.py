"""Results as Markdown: `python -m benchmarks.verdict.report [--into PAGE]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import Mistake
from benchmarks.pages import show_results
from benchmarks.report import bullets, grid
from benchmarks.verdict.raced import FIXED_TRAININGS, PLANNED, SHORTER
from benchmarks.verdict.simulate import PLANS

RESULTS = Path(__file__).with_name("results.json")
MARK = "error rates"

TRUTHS = {
    "none": "no arm differs",
    "one": "one arm differs",
    "all": "all three differ",
    "twice": "all differ by twice that",
    "wide_none": "none differs, wide ROPE",
}
"""Of races, and how tables call them."""

Generated = Mapping[str, Any]
"""A generator's part of the results."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return show_results(
        "benchmarks.verdict", RESULTS, MARK, lambda file: markdown(read(file)), argv
    )


def read(file: Path) -> dict[str, Any]:
    """Results as they were written.

    Raises:
        Mistake: a file that is not there or does not hold them.
    """
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None
    except ValueError:
        results = None
    if not isinstance(results, dict) or not results.keys() >= {"studies", "seed", "generators"}:
        command = "python -m benchmarks.verdict --format json --output"
        raise Mistake(f"{file}: expected what `{command}` writes")
    return results


def markdown(results: Mapping[str, Any]) -> str:
    """What was run, the short of it, then the tables."""
    generators = results["generators"]
    parts = [
        f"{results['studies']:,} studies of each kind, seed {results['seed']}. Figures are "
        "percentages with their Monte Carlo standard errors, if nothing else is said.",
        bullets(iter(short(generators))),
        "Plans of a fixed number of repeats:",
        fixed_plans(generators),
        "Error rates and power of a race, its power beside that of fixed plans on the same "
        "studies and differences:",
        races(generators),
        f"Trainings of a race, of {FIXED_TRAININGS} of the fixed plan:",
        by_truth(generators, lambda figures, truth: cell(figures, f"race.{truth}.trainings", 1)),
        "How its contrasts ended: decided / out of reach of repeats / neither:",
        by_truth(generators, ends),
    ]
    return "\n\n".join(parts)


def fixed_plans(generators: Sequence[Generated]) -> str:
    """A line for each generator and number of repeats."""
    columns = {
        "false better or worse": "false",
        "the same, naive t": "naive",
        "interval covers": "coverage",
        "covers, these subjects": "coverage_these",
        "equivalent at the edge of .005": "edge",
        "at the edge of a wide ROPE": "wide",
        "the same, families": "wide_family",
    }
    head = ["studies", "repeats", *columns, "states, score", "shows it: one arm", "all three"]
    lines = []
    for of in generators:
        for repeats in PLANS:
            figures = of_group(of, f"fixed.{repeats}.")
            rates = [cell(figures, name) for name in columns.values()]
            seen = f"{figures['stated'][0]:.4f}"
            power = [cell(figures, "power_one"), cell(figures, "power_all")]
            lines.append([of["name"], str(repeats), *rates, seen, *power])
    return grid(head, lines)


def races(generators: Sequence[Generated]) -> str:
    """A line for each generator: error rates, and power beside the fixed plan's."""
    columns = {  # spaces at the end tell equal heads apart
        "false better or worse": "none.false",
        "false beside one that differs": "one.false",
        "interval covers: none differs": "none.coverage",
        "one": "one.coverage",
        "all": "all.coverage",
        "equivalent at the edge of a wide ROPE": "wide_edge.equivalent",
        "shows one arm": "one.power",
        f"{PLANNED} repeats do": "one.fixed_power",
        f"{SHORTER} repeats do": "one.shorter_power",
        "shows all three": "all.power",
        f"{PLANNED} repeats do ": "all.fixed_power",
        f"{SHORTER} repeats do ": "all.shorter_power",
    }
    lines = []
    for of in generators:
        figures = of_group(of, "race.")
        lines.append([of["name"], *(cell(figures, name) for name in columns.values())])
    return grid(["studies", *map(str.strip, columns)], lines)


def by_truth(
    generators: Sequence[Generated], shown: Callable[[Mapping[str, list[float]], str], str]
) -> str:
    """A line for each generator, a column for each truth of its races."""
    lines = [[of["name"], *(shown(of["figures"], truth) for truth in TRUTHS)] for of in generators]
    return grid(["studies", *TRUTHS.values()], lines)


def ends(figures: Mapping[str, list[float]], truth: str) -> str:
    """Shares of contrasts by how they left a race."""
    names = ("decided", "unreachable", "exhausted")
    return " / ".join(f"{100 * figures[f'race.{truth}.{name}'][0]:.0f}" for name in names)


def short(generators: Sequence[Generated]) -> list[str]:
    """What the tables say, over the generators in which the corrected t promises its level."""
    judged = [of["figures"] for of in generators if of["judged"]]

    def values(*names: str) -> list[float]:
        return [100 * figures[name][0] for figures in judged for name in names]

    def saved(truth: str) -> str:
        return between(100 - value / FIXED_TRAININGS for value in values(f"race.{truth}.trainings"))

    plans = [f"fixed.{repeats}" for repeats in PLANS]
    wrong = max(values(*(f"{plan}.false" for plan in plans)))
    raced = max(values("race.none.false", "race.one.false"))
    naive = max(values(*(f"{plan}.naive" for plan in plans)))
    covers = min(values(*(f"{plan}.coverage" for plan in plans)))
    covers_raced = min(values(*(f"race.{t}.coverage" for t in ("none", "one", "all", "twice"))))

    def lost(truth: str, plan: str) -> str:
        planned, raced = values(f"race.{truth}.{plan}"), values(f"race.{truth}.power")
        return between(one - other for one, other in zip(planned, raced, strict=True))

    return [
        f"Where the correlation is at most n_test/n_total, and with subjects: at most {wrong:.1f}% "
        f"of families hold a false better or worse, {raced:.1f}% with racing; the naive t over "
        f"folds x repeats reaches {naive:.0f}%.",
        f"There the 95% interval covers the truth in at least {covers:.1f}% of studies, "
        f"{covers_raced:.1f}% at the decision of a race.",
        f"Racing saves {saved('none')}% of the trainings of {PLANNED} repeats where no arm "
        f"differs, {saved('one')}% where one does by what the fixed plan can detect, "
        f"{saved('all')}% where all do, {saved('twice')}% where all do by twice that.",
        f"Against {PLANNED} repeats that costs {lost('one', 'fixed_power')} points of power where "
        f"one arm differs, {lost('all', 'fixed_power')} where all do, "
        f"{lost('twice', 'fixed_power')} where all do by twice that; against {SHORTER} repeats "
        f"(half the trainings) {lost('one', 'shorter_power')}, {lost('all', 'shorter_power')} and "
        f"{lost('twice', 'shorter_power')}.",
    ]


def between(values: Iterable[float]) -> str:
    """Least and largest as whole numbers."""
    kept = sorted(values)
    low, high = round(kept[0]), round(kept[-1])
    return f"{low}" if low == high else f"{low} to {high}"


def of_group(of: Generated, prefix: str) -> dict[str, list[float]]:
    """Figures whose names begin so, without that beginning."""
    figures = of["figures"].items()
    return {name.removeprefix(prefix): value for name, value in figures if name.startswith(prefix)}


def cell(figures: Mapping[str, list[float]], name: str, unit: float = 100) -> str:
    """A figure with its standard error; a dash for one that there is not."""
    if name not in figures:
        return "-"
    value, error = figures[name]
    return f"{unit * value:.1f} ±{unit * error:.1f}"


if __name__ == "__main__":
    sys.exit(main())
