"""Recorded studies whose trials predict: subjects, labels, repeats, with known differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from model.data.folds import SPLITS
from storage import studies
from storage.rows import CellRef, Fingerprints, Truth
from storage.runs import EpochRow, FoldRow, RunResult
from storage.truth import record_truth
from study.arms import declared_params
from study.config import StudyConfig
from study.plan import Cell
from study.stopping import Stopping
from tests.study.recorded import LOSSES, MADE_OF, WEIGHTS, Recorder, database, recording

FOLDS = 3
SUBJECTS = 12
EACH = 8
"""Sequences of a subject."""
FINE = ("a", "b", "c", "d")
ARMS = ("fixed", "uncertainty", "direct", "equal")
CONFIG = StudyConfig.model_validate({"folds": FOLDS, "arms": ARMS, "training": {"epochs": 2}})
IDS = tuple(f"q{i}" for i in range(SUBJECTS * EACH))
LABELS = np.tile(np.arange(len(FINE)), len(IDS) // len(FINE)).astype(np.uint8)
TRUTH = Truth(
    IDS,
    LABELS.tobytes(),
    tuple(f"s{i // EACH}" for i in range(len(IDS))),
    FINE,
    ("a", "b", "other"),
    "other",
)


def declared(arm: str, repeat: int = 0) -> Cell:
    """The declared cell of an arm."""
    return Cell(arm, declared_params(arm, CONFIG.loss), repeat)


@dataclass
class Studied:
    """Writes trials whose folds follow the repeat and whose predictions err as told."""

    recorder: Recorder
    seconds: float = 3600.0
    made_of: Fingerprints = MADE_OF
    folds_of: Callable[[int], NDArray[np.int64]] = field(
        default=lambda repeat: (
            np.random.default_rng(repeat % SPLITS).permutation(SUBJECTS)[
                np.arange(len(IDS)) // EACH
            ]
            % FOLDS
        )
    )

    def add(
        self,
        cell: Cell,
        scores: Iterable[float | None],
        last: dict[str, float] | None = None,
        errors: float = 0.3,
    ) -> None:
        """Record a complete trial with these scores of its folds."""
        fold = self.folds_of(cell.repeat)
        rng = np.random.default_rng([int(cell.hash, 16)])
        wrong = rng.random(len(IDS)) < errors
        predicted = np.where(wrong, rng.integers(0, len(FINE), len(IDS)), LABELS).astype(np.uint8)
        rows = []
        for k, score in enumerate(scores):
            of = np.flatnonzero(fold == k)
            ids = tuple(IDS[i] for i in of)
            nan = float("nan")
            s = nan if score is None else score
            rows.append(FoldRow(k, s, s, s, 1, s, ids, predicted[of].tobytes()))
        epochs = [
            EpochRow(row.fold, epoch, WEIGHTS | LOSSES | (last or {}))
            for row in rows
            for epoch in (0, 1)
        ]
        known = [row.score for row in rows if row.score == row.score]
        ref = CellRef(cell.hash, cell.arm, cell.repeat, cell.params)
        (claim,) = self.recorder.runs.claim([ref], 1, self.made_of)
        trial_id = 1000 + claim.run_id
        assert not self.recorder.runs.attach({claim.run_id: (trial_id, claim.run_id)})
        result = RunResult(fmean(known), rows, self.seconds, "worker-1", "cpu", epochs)
        assert self.recorder.runs.complete(claim.run_id, result)

    def stop_by(self, stopping: Stopping) -> None:
        """Fix how confirmation stops."""
        studies.fix_stopping(self.recorder.engine, self.recorder.study_id, stopping.as_json())


def noisy(cell: Cell, shift: float = 0.0, sd: float = 0.004) -> list[float]:
    """Scores of a cell: a difficulty of each fold that all arms share, and noise of its own."""
    common = np.random.default_rng([9, cell.repeat % SPLITS]).normal(0.7, 0.02, FOLDS)
    own = np.random.default_rng([8, int(cell.hash, 16)]).normal(0, sd, FOLDS)
    return list(map(float, common + own + shift))


def recorded(folder: Path, write: Callable[[Studied], None], *, truth: bool = True) -> str:
    """URL of a new database with a study written by `write`."""
    url = database(folder)
    with recording(url, config=CONFIG) as recorder:
        if truth:
            record_truth(recorder.engine, recorder.study_id, MADE_OF.data, TRUTH)
        write(Studied(recorder))
    return url
