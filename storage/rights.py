"""What a worker may do with each table in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

_READ = "SELECT"
_ADD = "SELECT, INSERT"
_WRITE = "SELECT, INSERT, UPDATE"

WORKER_RIGHTS: Mapping[str, str] = {
    "study_record": "SELECT, INSERT, UPDATE, DELETE",  # what studies deleted in Optuna leave
    "study_truth": _ADD,
    "trial_run": _WRITE,
    "fold_score": _ADD,
    "epoch_metric": _ADD,
    "oof_prediction": _ADD,
    "study_alembic_version": _READ,
    "studies": _WRITE,  # UPDATE is what locking a row takes
    "study_directions": _ADD,
    "study_user_attributes": _WRITE,
    "study_system_attributes": _WRITE,
    "trials": _WRITE,
    "trial_user_attributes": _WRITE,
    "trial_system_attributes": _WRITE,
    "trial_params": _WRITE,
    "trial_values": _WRITE,
    "trial_intermediate_values": _WRITE,
    "trial_heartbeats": _WRITE,
    "version_info": _READ,
    "alembic_version": _READ,
}
"""Rights of the worker by table, ours and Optuna's. The viewer may SELECT of each."""
LATER_RIGHTS = _WRITE
"""Rights of the worker on tables that the owner makes later, until `roles` runs again."""
