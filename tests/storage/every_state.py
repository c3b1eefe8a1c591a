"""A small study with a trial in every state, written as coordinators write it, without training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import numpy as np

from storage import studies
from storage.engine import open_engine
from storage.optuna_schema import Shown, open_optuna
from storage.rows import CellRef, Claim, EpochRow, Fingerprints, FoldRow, Holder, RunResult, Truth
from storage.runs import Runs
from storage.truth import record_truth
from study.config import StudyConfig
from study.fingerprint import fingerprint
from study.mirror import Mirror
from study.opening import Database, open_study
from study.plan import plan
from study.space import distributions

NAME = "every state"
FOLDS, EPOCHS = 2, 3
ARMS = ("fixed", "uncertainty", "direct")
STATES = {"complete": 2, "failed": 1, "pruned": 1, "released": 1, "retry": 1, "running": 1}
MADE_OF = Fingerprints("m", "d", "c", {"packages": {"torch": "2"}})
SCORES = (0.5, 0.75)
"""Of the folds of the first complete trial."""
TRUTH = Truth(
    sequence_ids=("é", "b"),
    labels=bytes([0, 17]),
    subjects=("S2", "S1"),
    fine=tuple(f"class {i:02}" for i in range(18)),
    coarse=("class 00", "class 01", "other"),
    other="other",
)
STOPPING = {"looks": [5, 10], "rope": 0.005, "races": True}


class Writer:
    """Writes trials of one study."""

    def __init__(self, database: Database, name: str) -> None:
        config = StudyConfig.model_validate(
            {"folds": FOLDS, "arms": ARMS, "training": {"epochs": EPOCHS}}
        )
        made_of = replace(fingerprint(config, "data", "cpu"), environment=MADE_OF.environment)
        study = open_study(database, name, config, made_of)
        study_id = database.optuna.get_study_id_from_name(name)
        record_truth(database.engine, study_id, MADE_OF.data, TRUTH)
        studies.fix_stopping(database.engine, study_id, STOPPING)
        self.runs = Runs(database.engine, study_id, Holder(str(uuid4()), "host-1", "boot", 1, 10.0))
        self.mirror = Mirror(study, database.optuna, distributions(ARMS))
        self.made_of = MADE_OF
        self.cells = [CellRef(c.hash, c.arm, c.repeat, c.params) for c in plan(config)]

    def begin(self) -> tuple[Claim, int]:
        """Claim the next free cell, and make its trial. Returns its id too."""
        (claim,) = self.runs.claim(self.cells, 1, MADE_OF)
        made = self.mirror.create(claim)
        assert not self.runs.attach({claim.run_id: made}, "worker-1", "cpu")
        return claim, made[0]

    def train(self, claim: Claim, trial_id: int, epochs: int = EPOCHS) -> None:
        rows = [
            EpochRow(fold, epoch, {"score": 0.1 * epoch, "weight_kl": 0.25, "temperature": 2.0})
            for fold in range(FOLDS)
            for epoch in range(epochs)
        ]
        assert self.runs.record_epochs(claim.run_id, rows)
        self.mirror.show({trial_id: Shown({epoch: 0.1 * epoch for epoch in range(epochs)})})

    def complete(self, scores: tuple[float, ...] = SCORES) -> int:
        claim, trial_id = self.begin()
        self.train(claim, trial_id)
        value = float(np.mean(scores))
        folds = [
            FoldRow(k, score, score, score, 1, score, ("é", "b"), bytes([k, 17]))
            for k, score in enumerate(scores)
        ]
        result = RunResult(value, folds, 1.5, "worker-1", "cpu")
        assert self.runs.complete(claim.run_id, result)
        self.mirror.end(trial_id, "complete", value)
        self.runs.told([claim.run_id])
        return trial_id

    def prune(self) -> None:
        claim, trial_id = self.begin()
        self.train(claim, trial_id, epochs=2)
        result = RunResult(0.1, (), 1.0, "worker-1", "cpu")
        assert self.runs.complete(claim.run_id, result, "pruned")
        self.mirror.end(trial_id, "pruned", 0.1)
        self.runs.told([claim.run_id])

    def fail(self, *, final: bool) -> None:
        claim, trial_id = self.begin()
        cause, reason = "exception", "ValueError: wrong"
        state = self.runs.fail(claim.run_id, "exception", reason, "the log's end", final)
        self.mirror.fail(trial_id, state, cause, reason)
        self.runs.told([claim.run_id])

    def release(self) -> None:
        claim, trial_id = self.begin()
        assert self.runs.release(claim.run_id, "interrupted", "stopped")
        self.mirror.fail(trial_id, "released", "interrupted", "stopped")
        self.runs.told([claim.run_id])


@contextmanager
def writing_to(url: str, name: str = NAME) -> Iterator[Writer]:
    """Open a database that has its schema, and make the study in it."""
    database = Database(open_engine(url), open_optuna(url))
    try:
        yield Writer(database, name)
    finally:
        database.engine.dispose()
        database.optuna.engine.dispose()


def write_every_state(url: str, name: str = NAME) -> None:
    """Make the study with STATES in it; the running trial's lease ends in a minute."""
    with writing_to(url, name) as study:
        study.complete()
        study.prune()
        study.fail(final=False)
        study.fail(final=True)
        study.release()
        study.complete((0.6, 0.7))
        study.train(*study.begin(), epochs=1)
