"""The views in which single cells meet: declared, and confirmed on fresh repeats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model.data.folds import SPLITS
from study.arms import BASELINE_ARM
from study.report.pairs import Pair, Tested, family, tested
from study.stages import PRIMARY_ARMS

if TYPE_CHECKING:
    from study.report.evidence import Evidence, Run
    from study.report.findings import Contrast, Scope, View
    from study.verdict.racing import Race

BASELINE = "baseline"


@dataclass(frozen=True)
class Arms:
    """Arms of a study that are compared with the fixed one, by family."""

    learned: tuple[str, ...]
    """Those of the primary contrasts."""
    controls: tuple[str, ...]

    @classmethod
    def of(cls, arms: Sequence[str]) -> Arms:
        """Sort the arms of a study; none where it has no fixed arm."""
        others = [arm for arm in arms if arm != BASELINE_ARM] if BASELINE_ARM in arms else []
        learned = tuple(arm for arm in others if arm in PRIMARY_ARMS)
        return cls(learned, tuple(arm for arm in others if arm not in learned))

    @property
    def families(self) -> tuple[tuple[str, ...], ...]:
        """Holm families that are not empty."""
        return tuple(filter(None, (self.learned, self.controls)))


def confirmed_cells(evidence: Evidence, arms: Iterable[str]) -> dict[str, str]:
    """Configuration of each arm that was confirmed; of several the best of the search."""
    found = {}
    for arm in arms:
        confirmed = {
            run.configuration
            for run in evidence.runs
            if run.row.arm == arm and 0 < run.row.repeat < SPLITS
        }
        searched = [run for run in evidence.search(arm) if run.configuration in confirmed]
        if searched:
            found[arm] = max(searched, key=lambda run: run.score).configuration
    return found


def declared_pairs(evidence: Evidence, arms: Iterable[str]) -> list[Pair]:
    """Declared cells against the baseline, on the repeat of the search."""
    return [
        _pair(evidence, "declared", (arm, evidence.declared[arm]), _baseline(evidence), range(1))
        for arm in arms
    ]


def confirmed_pairs(
    evidence: Evidence, cells: Mapping[str, str], arms: Iterable[str]
) -> list[Pair]:
    """Confirmed cells against that of the fixed arm."""
    against = (BASELINE_ARM, cells.get(BASELINE_ARM, ""))
    return [
        _pair(evidence, "confirmed", (arm, cells.get(arm, "")), against, range(1, SPLITS))
        for arm in arms
    ]


def baseline_pairs(evidence: Evidence, cells: Mapping[str, str]) -> list[Pair]:
    """Confirmed cells against the baseline, where that is not the best of the fixed arm."""
    name, baseline = _baseline(evidence)
    if cells.get(name) in (None, baseline):
        return []
    return [
        replace(
            _pair(evidence, "confirmed", (arm, cell), (name, baseline), range(1, SPLITS)),
            against=BASELINE,
        )
        for arm, cell in cells.items()
        if cell != baseline
    ]


def _baseline(evidence: Evidence) -> tuple[str, str]:
    return BASELINE_ARM, evidence.declared[BASELINE_ARM]


def _pair(
    evidence: Evidence,
    view: View,
    ours: tuple[str, str],
    theirs: tuple[str, str],
    repeats: range,
) -> Pair:
    runs = [_within(evidence.of(cell), repeats) for _, cell in (ours, theirs)]
    lacking = [
        sentence
        for (arm, _), found in zip((ours, theirs), runs, strict=True)
        if not found
        for sentence in evidence.left_out.get(arm, (f"no complete trial of {arm} in this view",))
    ]
    return Pair(ours[0], theirs[0], view, runs[0], runs[1], "; ".join(lacking) or None)


def _within(runs: Mapping[int, Run], repeats: range) -> dict[int, Run]:
    return {repeat: run for repeat, run in runs.items() if repeat in repeats}


def contrasts_of(
    pairs: Sequence[Pair], scope: Scope, rope: float, *, primary: bool
) -> list[Contrast]:
    """Contrasts of one Holm family."""
    return family([tested(pair, scope) for pair in pairs], rope, primary=primary)


def raced(pairs: Sequence[Pair], race: Race, rope: float, looks: int) -> list[Contrast]:
    """Primary contrasts of a study that races, each as the race left it."""
    members = [
        Tested(pair, "population", runner.test, runner.note)
        if (runner := race.runners.get(pair.arm))
        else tested(pair, "population")
        for pair in pairs
    ]
    return [_left(contrast, race) for contrast in family(members, rope, primary=True, looks=looks)]


def _left(contrast: Contrast, race: Race) -> Contrast:
    """A contrast as the race left it; one that could not take part stays as it is."""
    runner = race.runners.get(contrast.arm)
    if runner is None:
        return contrast
    return replace(
        contrast,
        p_holm=runner.p_holm,
        verdict=runner.verdict,
        reachable=contrast.difference is not None and not runner.out_of_reach,
        repeats=runner.repeats,
        look=runner.look or None,
    )
