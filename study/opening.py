"""Makes a study, or takes up the one of its name if it is the same."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection

from storage import studies
from storage.optuna_schema import optuna_translated
from storage.schema import schema_lock
from storage.studies import StudyIdentity
from study import fingerprint
from study.errors import MismatchError, UsageError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import Engine

    from study.config import StudyConfig
    from study.fingerprint import Fingerprint

log = logging.getLogger(__name__)

METRIC = "score"


@dataclass(frozen=True)
class Database:
    """One database as both see it: our tables, and Optuna's."""

    engine: Engine
    optuna: RDBStorage


def open_study(
    database: Database,
    name: str,
    config: StudyConfig,
    made_of: Fingerprint,
    *,
    accept_changes: bool = False,
) -> optuna.Study:
    """Make the study, or take up the one of its name. Several processes may do so at once.

    Args:
        database: with its schema made.
        name: of the study.
        config: its configuration.
        made_of: what it is made from now.
        accept_changes: take up a study that was made from something else.

    Raises:
        MismatchError: it was made from something else.
        UsageError: it was made with other arms, which cannot change.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    with schema_lock(database.engine), optuna_translated(database.optuna.engine):
        _forget_deleted(database)
        study = _create_or_load(database, name)
        current = StudyIdentity(
            study_id=database.optuna.get_study_id_from_name(name),
            name=name,
            config=made_of.config,
            arms=config.arms,
            seed=config.seed,
            data_hash=made_of.data_hash,
            config_hash=made_of.config_hash,
            model_hash=made_of.model_hash,
            environment=made_of.environment,
        )
        stored = studies.record(database.engine, current)
        if _accepted(stored, config, made_of, accept_changes):
            studies.replace(database.engine, current)
    return study


def _accepted(
    stored: StudyIdentity, config: StudyConfig, made_of: Fingerprint, accept_changes: bool
) -> bool:
    """Whether there are changes, and they are to stand."""
    if stored.arms != config.arms:
        then, now = ",".join(stored.arms), ",".join(config.arms)
        raise UsageError(
            [
                f"--arms: expected {then}, with which study {stored.name!r} was made, found {now}; "
                f"arms cannot change: use --arms {then}, or another --study-name"
            ]
        )
    differences = fingerprint.differences(stored, made_of)
    if differences and not accept_changes:
        raise MismatchError(stored.name, differences)
    for difference in (*differences, *fingerprint.warnings(stored, made_of)):
        log.warning("changed since the study was made: %s", difference)
    return bool(differences)


def _create_or_load(database: Database, name: str) -> optuna.Study:
    """The Optuna study; of an older one that had its id, nothing is left here."""
    if name in _optuna_ids(database):
        return optuna.load_study(study_name=name, storage=database.optuna, **_passive())
    study_id = database.optuna.create_new_study([StudyDirection.MAXIMIZE], name)
    studies.forget(database.engine, study_id)
    study = optuna.load_study(study_name=name, storage=database.optuna, **_passive())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([METRIC])
    return study


def _passive() -> dict[str, Any]:
    """Neither proposes nor prunes: the plan says what runs, `study.pruning` what ends early."""
    return {"sampler": optuna.samplers.RandomSampler(), "pruner": optuna.pruners.NopPruner()}


def _forget_deleted(database: Database) -> None:
    """Remove what is left here of studies deleted in Optuna, which gives their ids out again."""
    ids = _optuna_ids(database)
    for name in studies.names(database.engine):
        stored = studies.by_name(database.engine, name)
        if ids.get(name) != stored.study_id:
            log.warning("study %r was deleted in Optuna: its rows here go too", name)
            studies.forget(database.engine, stored.study_id)


def _optuna_ids(database: Database) -> dict[str, int]:
    return {study.study_name: study._study_id for study in database.optuna.get_all_studies()}
