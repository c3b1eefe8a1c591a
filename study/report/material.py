"""What is read of a study before its conclusion is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from storage import queries, studies
from storage.truth import truth
from study.report.counting import Counting
from study.report.evidence import Evidence, gather
from study.report.flags import Flags
from study.report.resampled import Resampling
from study.report.summary import Records, baseline_of
from study.stopping import Stopping, of_json

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.studies import StudyIdentity

ROPE = 0.005


@dataclass(frozen=True)
class Question:
    """What the reader wants to know."""

    rope: float | None = None
    """Half the width of the region of practical equivalence; None for the study's own."""
    wanted: float | None = None
    """A difference that should be seen; None for the ROPE."""


@dataclass(frozen=True, eq=False)
class Material:
    """Records of a study, and what comes straight from them."""

    engine: Engine
    identity: StudyIdentity
    records: Records
    question: Question

    @cached_property
    def declared_rope(self) -> float:
        """The ROPE that the study was made with."""
        return float(self.identity.config.get("verdict", {}).get("rope", ROPE))

    @property
    def rope(self) -> float:
        """The ROPE that is asked for."""
        return self.question.rope or self.declared_rope

    @property
    def wanted(self) -> float:
        """The difference that is asked about."""
        return self.question.wanted or self.rope

    @cached_property
    def flags(self) -> Flags:
        """Which trials moved."""
        return Flags(baseline_of(self.identity), self.records.trials, self.records.ends)

    @cached_property
    def stopping(self) -> Stopping | None:
        """How its confirmation stops."""
        return of_json(studies.stopping(self.engine, self.identity.study_id))

    @property
    def looks(self) -> int:
        """Looks that share the level of the primary contrasts."""
        return len(self.stopping.looks) if self.stopping and self.stopping.races else 1

    @cached_property
    def predictions(self) -> list[queries.OofRow]:
        """All out-of-fold predictions."""
        return queries.oof_rows(self.engine, self.identity.study_id)

    @cached_property
    def evidence(self) -> Evidence:
        """Trials that may be compared."""
        return gather(
            self.identity.arms,
            baseline_of(self.identity),
            int(self.identity.config["folds"]),
            self.records.trials,
            self.records.folds,
            self.predictions,
        )

    @cached_property
    def counting(self) -> Counting | None:
        """Counts per subject; None where true labels are not stored."""
        runs = self.evidence.runs
        data = runs[0].row.data_hash if runs else self.identity.data_hash
        labels = truth(self.engine, self.identity.study_id, data)
        return None if labels is None else Counting(labels, self.predictions)

    @property
    def subjects(self) -> int | None:
        """How many are scored; None where true labels are not stored."""
        return None if self.counting is None else self.counting.subjects

    @cached_property
    def resampling(self) -> Resampling | None:
        """Draws of whole subjects; None where there are none to draw from."""
        counting = self.counting
        return None if counting is None or counting.subjects < 2 else Resampling(counting)
