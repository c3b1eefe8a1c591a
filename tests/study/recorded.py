"""Studies written into a database as a coordinator writes them, without training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from sqlalchemy import Engine

from storage import studies
from storage.engine import open_engine
from storage.runs import CellRef, Claim, EpochRow, Fingerprints, FoldRow, Holder, RunResult, Runs
from storage.schema import upgrade
from storage.states import Cause
from storage.studies import StudyIdentity
from study.config import StudyConfig
from study.plan import Cell

HOLDER = Holder("holder", "host-1", "boot", 1, 10.0)
MADE_OF = Fingerprints("m", "d", "c", {})
ARMS = ("fixed", "uncertainty", "direct", "equal")
BASELINE = Cell("fixed", {"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1})
OTHER = replace(BASELINE, params={**BASELINE.params, "alpha": 0.7})
WEIGHTS = {
    "weight_multiclass": 0.5,
    "weight_binary": 0.5,
    "weight_nine_class": 0.2,
    "weight_kl": 0.1,
}
LOSSES = {"val_multiclass": 1.0, "val_binary": 0.5, "val_nine_class": 0.8, "val_kl": 0.1}


def database(folder: Path) -> str:
    """URL of a new database with the schema in it."""
    url = f"sqlite:///{folder}/study.db"
    upgrade(url)
    return url


@dataclass
class Recorder:
    """A study one can write trials into."""

    engine: Engine
    study_id: int
    name: str
    config: StudyConfig

    def __post_init__(self) -> None:
        identity = StudyIdentity(
            study_id=self.study_id,
            name=self.name,
            config=self.config.model_dump(mode="json"),
            arms=self.config.arms,
            seed=0,
            data_hash="d",
            config_hash="c",
            model_hash="m",
            environment={},
        )
        studies.record(self.engine, identity)
        self.runs = Runs(self.engine, self.study_id, HOLDER)
        self._number = -1

    def claim(self, cell: Cell, *worker: str) -> Claim:
        """Claim a cell and give it a trial, and a worker and its device if there is one."""
        ref = CellRef(cell.hash, cell.arm, cell.repeat, cell.params)
        (claim,) = self.runs.claim([ref], 1, MADE_OF)
        self._number += 1
        trial_id = 100 * self.study_id + self._number
        assert not self.runs.attach({claim.run_id: (trial_id, self._number)}, *worker)
        return claim

    def complete(
        self,
        cell: Cell,
        scores: Sequence[float],
        last: Mapping[str, float] = WEIGHTS | LOSSES,
        seconds: float = 2.0,
    ) -> None:
        """Record a complete trial of two epochs: the first with the fixed weights."""
        claim = self.claim(cell)
        folds = [
            FoldRow(fold, score, score, score, 1, score + 0.01, ("a", "b"), bytes([0, 1]))
            for fold, score in enumerate(scores)
        ]
        epochs = [
            EpochRow(fold, epoch, metrics)
            for fold in range(len(scores))
            for epoch, metrics in enumerate((WEIGHTS | LOSSES, last))
        ]
        mean = fmean(scores)
        assert self.runs.complete(
            claim.run_id, RunResult(mean, folds, seconds, "worker-1", "cpu", epochs)
        )

    def prune(self, cell: Cell, value: float) -> None:
        """Record a pruned trial."""
        claim = self.claim(cell)
        result = RunResult(value, (), 1.0, "worker-1", "cpu")
        assert self.runs.complete(claim.run_id, result, "pruned")

    def fail(self, cell: Cell, cause: Cause, reason: str, *, final: bool) -> None:
        """Record a failed attempt."""
        self.runs.fail(self.claim(cell).run_id, cause, reason, None, final, device_seconds=0.5)


@contextmanager
def recording(
    url: str, study_id: int = 1, name: str = "study", config: StudyConfig | None = None
) -> Iterator[Recorder]:
    """Open a database to record a study in it."""
    engine = open_engine(url)
    try:
        yield Recorder(engine, study_id, name, config or StudyConfig())
    finally:
        engine.dispose()


def every_kind_of_trial(folder: Path) -> str:
    """URL of a new database with a study in which every kind of trial happened."""
    url = database(folder)
    uncertainty = Cell("uncertainty", {"s_init": "zero", "lr_multiplier": 0.1})
    with recording(url, config=StudyConfig(arms=ARMS, folds=2)) as recorder:
        recorder.complete(BASELINE, [0.70, 0.74], seconds=3.0)
        recorder.complete(OTHER, [0.76, 0.78], seconds=5.0)
        recorder.complete(Cell("direct", {"lr_multiplier": 0.1}), [0.71, 0.73])
        lost = {"weight_multiclass": 0.999, "weight_binary": 0.001, "alpha": 0.999}
        fast = Cell("direct", {"lr_multiplier": 100.0})
        recorder.complete(fast, [0.50, 0.60], last=WEIGHTS | LOSSES | lost)
        recorder.fail(uncertainty, "exception", "ValueError: first try", final=False)
        recorder.fail(uncertainty, "non_finite_loss", "epoch 2, fold 1, kl", final=True)
        recorder.prune(Cell("fixed", {**BASELINE.params, "alpha": 0.9}), 0.4)
        recorder.fail(Cell("equal"), "crashed", "signal 9 | out\nof memory", final=False)
        recorder.claim(Cell("fixed", {**BASELINE.params, "alpha": 0.3}))
    return url
