"""Results as Markdown: `python -m benchmarks.real_verdict.report [--into PAGE]`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import show_results
from benchmarks.real_verdict.judged import Judged, Pairs, accepted, named, seen, together
from benchmarks.real_verdict.runner import read
from benchmarks.report import bullets, grid

RESULTS = Path(__file__).with_name("results.json")
MARK = "real trainings"
BAD_RATE = 0.25
"""A rate of false alarms that the pairs should be able to show."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return show_results(
        "benchmarks.real_verdict", RESULTS, MARK, lambda file: markdown(read(file)), argv
    )


def markdown(results: Mapping[str, Any]) -> str:
    """What was run, then each kind that there is."""
    parts = [_run(results)]
    if pairs := named(results, "aa"):
        parts += _same(pairs)
    if known := named(results, "known"):
        parts += ["**Known answers.** Arm minus baseline:", _table(known)]
        parts += ["Scores of the crippled arms, least and largest of their folds:"]
        parts += [bullets(_span(name, results["comparisons"][name]["arm"]) for name in known)]
    return "\n\n".join(parts)


def _run(results: Mapping[str, Any]) -> str:
    of = results["settings"]
    spent = sum(record["cpu_seconds"] for record in results["comparisons"].values())
    return (
        f"{of['data']}, {of['subjects']} subjects a comparison, {of['folds']} folds, "
        f"{of['epochs']} epochs, {of['repeats']} repeats a side, seed {of['seed']}; "
        f"{spent / 60:.1f} minutes of one core in all."
    )


def _same(pairs: Mapping[str, Judged]) -> list[str]:
    whole = together(list(pairs.values()))
    return [
        f"**A/A.** {whole.count} pairs:",
        bullets(iter(_short(whole))),
        "Each pair:",
        _table(pairs),
    ]


def _short(of: Pairs) -> list[str]:
    low, high = accepted(of.count)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(of.verdicts.items()))
    return [
        f"Corrected t: {of.rejected} of {of.count} rejected at 5% (a rate of 5% gives {low} to "
        f"{high} in 95% of such runs), so {of.count - of.rejected} intervals cover 0. "
        f"Verdicts: {said}.",
        f"Naive t over folds x repeats: {of.rejected_naive} rejected.",
        f"Intervals over subjects: {of.people_cover} of {of.count} cover 0.",
        f"Kolmogorov-Smirnov distance of p from uniform: {of.distance:.2f}, "
        f"naive {of.distance_naive:.2f}.",
        f"SD of fold differences {of.fold_sd:.4f}, so a fold's score has a rerun SD of "
        f"{of.rerun_sd:.4f}; SD of a pair's mean difference {of.pair_sd:.4f}.",
        f"Correlation of two differences of a pair: {of.correlation:.2f}, with a standard error of "
        f"{of.correlation_se:.2f} were it 0; the corrected t assumes {of.assumed:.2f}. Were it 0, "
        f"the corrected t would reject {of.expected:.1%} of pairs.",
        f"Were the true rate of rejections {BAD_RATE:.0%}, so many pairs would show more than "
        f"{high} with a probability of {seen(of.count, BAD_RATE):.0%}.",
    ]


def _table(of: Mapping[str, Judged]) -> str:
    head = ["comparison", "difference", "95%", "p", "naive p", "verdict", "pooled", "95%"]
    return grid(head, [_line(name, one) for name, one in of.items()])


def _line(name: str, of: Judged) -> list[str]:
    pooled = of.pooled
    return [
        name,
        f"{of.difference:+.4f}",
        _interval(of.low, of.high),
        f"{of.p:.2g}",
        f"{of.p_naive:.2g}",
        of.verdict,
        f"{pooled['difference']:+.4f}",
        _interval(pooled["low"], pooled["high"]),
    ]


def _span(name: str, scores: Sequence[Sequence[float]]) -> str:
    each = [score for repeat in scores for score in repeat]
    return f"{name}: {min(each):.3f} to {max(each):.3f}"


def _interval(low: float, high: float) -> str:
    return f"[{low:+.4f}, {high:+.4f}]"


if __name__ == "__main__":
    sys.exit(main())
