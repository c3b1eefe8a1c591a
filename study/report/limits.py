"""Sentences on what an answer rests on and what was left out."""

from __future__ import annotations

from collections.abc import Iterator

from model.data.folds import SPLITS
from study.arms import BASELINE_ARM
from study.report.findings import Findings
from study.report.material import Material
from study.report.summary import Summary


def limits_of(material: Material, summary: Summary, findings: Findings) -> tuple[str, ...]:
    """All that apply."""
    return tuple(dict.fromkeys([*_of_data(material), *_of_answer(material, summary, findings)]))


def _of_data(material: Material) -> Iterator[str]:
    evidence = material.evidence
    yield from evidence.limits
    if evidence.runs and material.counting is None:
        yield (
            "true labels are not stored with this study, as those of older versions: nothing is "
            "resampled over subjects"
        )
    elif material.subjects is not None and material.subjects < 2:
        yield "there is one subject: nothing is resampled over subjects"
    elif evidence.runs and material.counting is not None:
        bad = [r for r in evidence.runs if material.counting.of(r.row.trial_id) is None]
        if bad:
            yield (
                f"{len(bad)} of {len(evidence.runs)} trials lack out-of-fold predictions for "
                "every sequence: they are not resampled over subjects"
            )


def _of_answer(material: Material, summary: Summary, findings: Findings) -> Iterator[str]:
    arms = material.identity.arms
    if BASELINE_ARM not in arms:
        yield f"the study has no arm {BASELINE_ARM}: learned weights have nothing to beat"
    elif len(arms) == 1:
        yield "the study has one arm: there is nothing to compare it with"
    if findings.primary_view == "confirmed":
        yield (
            "fresh repeats remove the luck of seeds and splits, not that of having chosen cells on "
            "the same subjects"
        )
    elif findings.primary_view == "declared" and findings.primary:
        yield (
            "each arm is judged by one declared cell on one repeat: --confirm gives fresh repeats "
            "of its best"
        )
    if summary.trials.pruned:
        yield (
            "pruned trials have no final score and are left out of equal budget and best of the "
            "arm, which flatters neither arm but understates those that gain late"
        )
    yield from _of_rules(material)


def _of_rules(material: Material) -> Iterator[str]:
    if material.rope != material.declared_rope:
        yield (
            f"the region of equivalence was set to {material.rope:g} for this report; the study "
            f"was made with {material.declared_rope:g}"
        )
    stopping = material.stopping
    if stopping is None:
        return
    repeats = {run.row.repeat for run in material.evidence.runs if 0 < run.row.repeat < SPLITS}
    if not stopping.races and len(repeats) > stopping.first:
        yield (
            f"the number of repeats was raised from {stopping.first} to {len(repeats)} after the "
            "first had been seen: p values are too small if that was because of them"
        )
    if stopping.races:
        looks = ", ".join(map(str, stopping.looks))
        yield (
            f"repeats were added until all was decided, with looks at {looks} repeats fixed "
            "beforehand; adjusted p values pay for all of them"
        )
