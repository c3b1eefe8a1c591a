"""What a study could have shown, where its noise comes from, and where its views disagree."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from model.data.folds import SPLITS
from study.report.findings import Contrast, NoiseOf, Power
from study.report.pairs import LEVEL, Pair
from study.verdict.correlated import corrected_t
from study.verdict.errors import VerdictError
from study.verdict.noise import noise
from study.verdict.power import (
    detectable,
    detectable_at_best,
    equivalence_repeats,
    least_rope,
    repeats_needed,
    subjects_factor,
)

if TYPE_CHECKING:
    from study.report.evidence import Evidence

POWER = 0.8


def power(
    pairs: Sequence[Pair],
    size: int,
    evidence: Evidence,
    *,
    rope: float,
    wanted: float,
    subjects: int | None,
    looks: int = 1,
) -> Power | None:
    """Of the least certain of the primary pairs; None if none can be tested.

    Args:
        pairs: primary.
        size: of their family.
        evidence: whose trials say what a repeat costs.
        rope: half the width of the region of practical equivalence.
        wanted: the difference asked about.
        subjects: how many the study has; None if not known.
        looks: that share the level, in a study that races.
    """
    tests = []
    for pair in pairs:
        try:
            tests.append(corrected_t(pair.differences, pair.test_train))
        except VerdictError:
            continue
    if not tests:
        return None
    test = max(tests, key=lambda t: t.se)
    level, sd, ratio = LEVEL / (size * looks), test.sd, test.test_train
    folds = pairs[0].differences.shape[1] if pairs[0].repeats else round(1 / ratio) + 1
    needed = repeats_needed(wanted, sd, folds, ratio, level, POWER)
    more = None if needed is None else max(0, needed - test.n // folds)
    seconds = [r.row.device_seconds for r in evidence.runs if r.row.device_seconds is not None]
    hours = None if more is None or not seconds else more * (size + 1) * median(seconds) / 3600
    factor = subjects_factor(wanted, sd, ratio, level, POWER)
    return Power(
        level=level,
        detectable=detectable(sd, test.n, ratio, level, POWER),
        at_best=detectable_at_best(sd, ratio, level, POWER),
        wanted=wanted,
        repeats_needed=needed,
        device_hours_needed=hours,
        subjects_needed=None if subjects is None else math.ceil(subjects * factor),
        rope=rope,
        equivalence_repeats=equivalence_repeats(rope, sd, folds, ratio),
        least_rope=least_rope(0.0, sd, ratio),
    )


def noise_of(pair: Pair, evidence: Evidence, subject_variance: float | None) -> NoiseOf | None:
    """Where a confirmed pair's noise comes from; None without repeats."""
    if not pair.repeats:
        return None
    found = noise(pair.differences, list(_reruns(pair, evidence)), subject_variance)
    return NoiseOf(
        pair.arm,
        pair.against,
        found.seed_sd,
        found.split_sd,
        found.seed_split_sd,
        found.subject_sd,
        found.shares,
        found.advice,
    )


def _reruns(pair: Pair, evidence: Evidence) -> Iterator[list[list[float]]]:
    """Differences on each split that was trained again with other seeds, [n, K] each."""
    cells = [next(iter(runs.values())).configuration for runs in (pair.ours, pair.theirs)]
    ours, theirs = (evidence.of(cell) for cell in cells)
    by_split: dict[int, list[list[float]]] = defaultdict(list)
    for repeat in sorted(ours.keys() & theirs.keys()):
        if repeat % SPLITS:
            by_split[repeat % SPLITS].append((ours[repeat].scores - theirs[repeat].scores).tolist())
    return (of_split for of_split in by_split.values() if len(of_split) > 1)


def disagreements(contrasts: Sequence[Contrast]) -> list[str]:
    """Where views that reach a verdict on an arm reach different ones."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for contrast in contrasts:
        if contrast.scope == "population" and contrast.against == "fixed":
            found[contrast.arm][contrast.view] = contrast.verdict
    return [said for arm, views in found.items() if (said := _disagree(arm, views))]


def _disagree(arm: str, views: Mapping[str, str]) -> str | None:
    decided = {view: verdict for view, verdict in views.items() if verdict != "undecided"}
    if not decided or len(set(views.values())) == 1:
        return None
    said = ", ".join(
        f"{'no difference shown' if verdict == 'undecided' else verdict} ({view.replace('_', ' ')})"
        for view, verdict in views.items()
    )
    strength = "disagree" if len(set(decided.values())) > 1 else "do not all reach a verdict"
    return f"the views on {arm} {strength}: {said}"
