"""Draws the conclusion of a study: reads what is stored, compares, and puts it into one sentence.

trials ─ evidence ─┬─ views ──────┬─ headline
                   └─ resampled ──┴─ outlook (power, noise, disagreements)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from storage import queries
from study.arms import BASELINE_ARM
from study.known import known_cells
from study.plan import Cell
from study.report import outlook, views
from study.report.arms_shown import ArmsShown
from study.report.evidence import Run
from study.report.findings import Contrast, Findings, View
from study.report.flags import is_learned
from study.report.headline import headline
from study.report.limits import limits_of
from study.report.material import Material, Question
from study.report.pairs import Pair
from study.report.resampled import search_views
from study.report.summary import Summary, read_records, summarise
from study.report.views import Arms
from study.stages import race_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


def read(
    engine: Engine, study_name: str, question: Question | None = None
) -> tuple[Summary, Findings]:
    """Summarise a study and draw its conclusion.

    Raises:
        StudyMissing: there is none of this name.
        StorageError: the database cannot be read.
        UsageError: another version made it, with settings this one does not have.
    """
    identity = queries.study_by_name(engine, study_name)
    records = read_records(engine, identity.study_id)
    summary = summarise(identity, records)
    material = Material(engine, identity, records, question or Question())
    return summary, _Study(material).findings(summary)


class _Study:
    """One study while its conclusion is drawn."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.evidence = material.evidence
        self.rope = material.rope
        self.arms = Arms.of(material.identity.arms)
        self.cells = views.confirmed_cells(self.evidence, material.identity.arms)

    def findings(self, summary: Summary) -> Findings:
        confirmed = views.confirmed_pairs(self.evidence, self.cells, self.arms.learned)
        is_confirmed = any(pair.repeats for pair in confirmed)
        declared = views.declared_pairs(self.evidence, self.arms.learned)
        primary: View = "confirmed" if is_confirmed else "declared"
        pairs = confirmed if is_confirmed else declared
        contrasts, variances = self._with_subjects(
            self._contrasts(primary, confirmed, declared), [*confirmed, *declared]
        )
        material = self.material
        shown = ArmsShown(material, self.cells)
        found = Findings(
            headline=summary.headline,
            primary_view=primary if self.arms.learned else None,
            rope=self.rope,
            family=self.arms.learned,
            contrasts=contrasts,
            power=outlook.power(
                [pair for pair in pairs if pair.repeats],
                max(1, len(self.arms.learned)),
                self.evidence,
                rope=self.rope,
                wanted=material.wanted,
                subjects=material.subjects,
                looks=material.looks if is_confirmed else 1,
            ),
            noise=tuple(
                of
                for pair in confirmed
                if (of := outlook.noise_of(pair, self.evidence, variances.get(pair)))
            ),
            arms=shown.findings(),
            courses=shown.courses(),
            subjects=material.subjects,
        )
        unmoved = [(a.arm, a.unmoved, shown.learned(a.arm)) for a in summary.arms]
        limits = (*limits_of(material, summary, found), *outlook.disagreements(found.contrasts))
        said = headline(found, unmoved)
        return replace(found, headline=said or summary.headline, limits=limits)

    def _with_subjects(
        self, contrasts: Sequence[Contrast], pairs: Sequence[Pair]
    ) -> tuple[tuple[Contrast, ...], dict[Pair, float | None]]:
        """Contrasts with what subjects make of them, and the variance that subjects make."""
        resampling = self.material.resampling
        if resampling is None:
            return tuple(contrasts), {}
        found = {pair: resampling.of_pair(pair) for pair in pairs if pair.repeats}
        metrics = {(p.arm, p.against, p.view): of for p, (of, _) in found.items()}
        with_metrics = tuple(
            replace(c, subjects=metrics.get((c.arm, c.against, c.view), {})) for c in contrasts
        )
        return with_metrics, {pair: variance for pair, (_, variance) in found.items()}

    def _contrasts(
        self, primary: View, confirmed: Sequence[Pair], declared: Sequence[Pair]
    ) -> list[Contrast]:
        if not self.arms.families:
            return []
        evidence, rope = self.evidence, self.rope
        found: list[Contrast] = []
        if primary == "confirmed":
            found += self._confirmed(confirmed)
            controls = views.confirmed_pairs(evidence, self.cells, self.arms.controls)
            tuned = views.baseline_pairs(evidence, self.cells)
            for pairs in (controls, tuned):
                kept = [pair for pair in pairs if pair.repeats]
                found += views.contrasts_of(kept, "population", rope, primary=False)
            found += views.contrasts_of(confirmed, "these_subjects", rope, primary=False)
        is_primary = primary == "declared"
        found += views.contrasts_of(declared, "population", rope, primary=is_primary)
        controls = views.declared_pairs(evidence, self.arms.controls)
        found += views.contrasts_of(controls, "population", rope, primary=False)
        families = self.arms.families
        found += search_views(evidence, self.material.resampling, families, BASELINE_ARM, rope)
        return [self._noted(contrast) for contrast in found]

    def _confirmed(self, pairs: Sequence[Pair]) -> list[Contrast]:
        stopping, records = self.material.stopping, self.material.records
        if stopping is None or not stopping.races or BASELINE_ARM not in self.cells:
            return views.contrasts_of(pairs, "population", self.rope, primary=True)
        cells = {arm: self._cell(arm) for arm in self.cells}
        sizes = {
            (run.row.trial_id or -1, fold): size
            for run in self.evidence.runs
            for fold, size in enumerate(run.sizes)
        }
        race = race_of(
            cells[BASELINE_ARM],
            {arm: cell for arm, cell in cells.items() if arm in self.arms.learned},
            known_cells(records.trials, records.folds, sizes),
            stopping,
        )
        return views.raced(pairs, race, self.rope, len(stopping.looks))

    def _cell(self, arm: str) -> Cell:
        run = next(r for r in self.evidence.runs if r.configuration == self.cells[arm])
        return Cell(arm, run.row.params)

    def _noted(self, contrast: Contrast) -> Contrast:
        """The contrast with a word on learned weights that never moved."""
        runs = self._runs(contrast)
        learned = [run for run in runs if is_learned(run.row)]
        if not learned or not all(self.material.flags.unmoved(run.row) for run in learned):
            return contrast
        said = f"the weights of {contrast.arm} never moved: fixed weights under another name"
        return replace(contrast, note="; ".join(filter(None, (contrast.note, said))))

    def _runs(self, contrast: Contrast) -> list[Run]:
        cell = {"declared": self.evidence.declared, "confirmed": self.cells}.get(contrast.view, {})
        found = self.evidence.of(cell.get(contrast.arm, ""))
        declared = contrast.view == "declared"
        return [run for repeat, run in found.items() if (repeat == 0) == declared]
