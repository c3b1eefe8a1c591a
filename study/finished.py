"""Tells, without starting a worker, that a run has nothing left to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from optuna.trial import TrialState

from model.errors import ModelError
from storage import queries, recovery, studies
from storage.errors import SchemaError, StudyMissing
from storage.optuna_schema import open_optuna
from storage.states import FINISHED
from storage.url import sqlite_path
from study.database import existing
from study.errors import UsageError
from study.fingerprint import Fingerprint, differences, identity_of, model_hash
from study.known import read_results
from study.sequences import study_sequences
from study.stopping import of_json, require_same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from storage.states import State
    from storage.studies import StudyIdentity
    from study.config import StudyConfig
    from study.stages import Stages


def finished_before(
    url: str, name: str, config: StudyConfig, stages: Stages
) -> Mapping[State, int] | None:
    """How many cells of all stages are finished, by state, if nothing is left to do; else None.

    None as well for whatever a run would refuse, warn of or tidy up: a study that
    is not what it was, data that cannot be read, trials that dead processes left.

    Raises:
        StorageError: the database cannot be used.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    try:
        with existing(url) as engine:
            stored = queries.study_by_name(engine, name)
            counts = _settled(engine, stored.study_id, stages)
    except (SchemaError, StudyMissing, UsageError):
        return None
    if counts is None or not _is_in_optuna(url, stored) or not _matches(stored, config):
        return None
    return counts


def _settled(engine: Engine, study_id: int, stages: Stages) -> Mapping[State, int] | None:
    """Counts if all cells are finished, nothing runs, and Optuna knows how all of it ended.

    Raises:
        UsageError: its confirmation began with another way to stop.
    """
    rows = queries.trial_rows(engine, study_id)
    if stages.stopping is not None:
        stored = of_json(studies.stopping(engine, study_id))
        if stored is None:
            return None
        require_same(stored, stages.stopping)
    asked = {cell.hash for cell in stages.cells(read_results(engine, study_id))}
    counts = Counter(row.state for row in rows if row.cell in asked and row.state in FINISHED)
    if counts.total() < len(asked) or any(row.state == "running" for row in rows):
        return None
    return None if recovery.untold(engine, study_id) else cast("Mapping[State, int]", counts)


def _is_in_optuna(url: str, stored: StudyIdentity) -> bool:
    """Whether the study has not been deleted there, and nothing of it seems to run."""
    optuna = open_optuna(url, reads_only=True)
    try:
        study_id = optuna.get_study_id_from_name(stored.name)
        running = optuna.get_n_trials(study_id, state=TrialState.RUNNING)
    except KeyError:
        return False
    else:
        return study_id == stored.study_id and not running
    finally:
        optuna.engine.dispose()


def _matches(stored: StudyIdentity, config: StudyConfig) -> bool:
    """Whether the study is what it was made from. Data that changed are looked at last."""
    if stored.arms != config.arms or differences(stored, _as_now(config, stored.data_hash)):
        return False
    try:
        return study_sequences(config).digest == stored.data_hash
    except ModelError:
        return False


def _as_now(config: StudyConfig, data_hash: str) -> Fingerprint:
    return Fingerprint(identity_of(config), data_hash, model_hash(), {})
