"""What belongs to each arm: its curve, its best, and the cell whose weights are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from model.data.folds import SPLITS
from study.plan import Cell
from study.report import courses as course
from study.report.evidence import Run
from study.report.findings import ArmFindings, Course
from study.report.flags import is_learned
from study.report.material import Material
from study.verdict.budget import expected_best_curve


class ArmsShown:
    """The arms of one study."""

    def __init__(self, material: Material, confirmed: Mapping[str, str]) -> None:
        """Choose the cell to show of each arm: the confirmed one, else the declared.

        Args:
            material: of the study.
            confirmed: configuration of each arm that was confirmed.
        """
        self._material = material
        evidence = material.evidence
        self._confirmed = {
            arm: [run for repeat, run in evidence.of(cell).items() if 0 < repeat < SPLITS]
            for arm, cell in confirmed.items()
        }
        self._declared = {
            arm: [run for repeat, run in evidence.of(cell).items() if not repeat]
            for arm, cell in evidence.declared.items()
        }
        self._shown: dict[str, Sequence[Run]] = {
            arm: runs
            for arm, declared in self._declared.items()
            if (runs := self._confirmed.get(arm) or declared)
        }

    def findings(self) -> tuple[ArmFindings, ...]:
        """One entry an arm of the study."""
        material = self._material
        shares = course.gradient_shares(material.engine, material.identity.study_id, self._shown)
        return tuple(self._of(arm, shares.get(arm, {})) for arm in material.identity.arms)

    def courses(self) -> tuple[Course, ...]:
        """Weights over the epochs."""
        words = {
            arm: str(Cell(arm, runs[0].row.params)).removeprefix(arm).strip() or "no parameters"
            for arm, runs in self._shown.items()
        }
        material = self._material
        return course.courses(material.engine, material.identity.study_id, self._shown, words)

    def learned(self, arm: str) -> int:
        """Complete trials of an arm that learned weights."""
        rows = self._material.records.trials
        return sum(r.arm == arm and r.state == "complete" and is_learned(r) for r in rows)

    def _of(self, arm: str, shares: Mapping[str, float]) -> ArmFindings:
        material, resampling = self._material, self._material.resampling
        search = material.evidence.search(arm)
        scores = [run.score for run in search]
        confirmed = self._confirmed.get(arm, [])
        means = [run.score for run in confirmed]
        best = resampling.best(arm, search, None) if resampling and search else None
        declared = self._declared.get(arm, [])
        return ArmFindings(
            arm=arm,
            curve=tuple(map(float, expected_best_curve(scores))) if scores else (),
            best_of_arm=None if best is None else best.estimate,
            optimism=None if best is None else best.optimism,
            declared=resampling.of_runs(declared) if resampling and declared else {},
            confirmed_params=dict(confirmed[0].row.params) if confirmed else None,
            confirmed=fmean(means) if means else None,
            confirmed_sd=stdev(means) if len(means) > 1 else None,
            confirmed_repeats=len(confirmed),
            at_clamp=sum(
                row.arm == arm and row.state == "complete" and material.flags.at_clamp(row)
                for row in material.records.trials
            ),
            learned=self.learned(arm),
            gradient_share=shares,
            scores=tuple(scores),
        )
