"""Statements that break what holds of a study with a trial in every state."""

from __future__ import annotations

ONE = "trial_id = (SELECT min(trial_id) FROM trial_run WHERE state = '{}')"
STUDY = "(SELECT study_id FROM study_record)"
EXPIRE = "UPDATE trial_run SET lease_expires = lease_expires - 7200 WHERE state = 'running'"
UNTOLD = (
    f"UPDATE trials SET state = 'RUNNING' WHERE {ONE.format('pruned')}",
    "UPDATE trial_run SET told = false WHERE state = 'pruned'",
)

FAULTS: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "cell_held_twice": (
        {"index"},
        (
            "DROP INDEX ux_trial_run_held_cell",
            "UPDATE trial_run SET state = 'failed' WHERE state = 'retry'",
        ),
    ),
    "optuna_trial_missing": (
        set(),
        tuple(
            f"DELETE FROM {table} WHERE {ONE.format('complete')}"
            for table in (
                "trial_params",
                "trial_values",
                "trial_intermediate_values",
                "trial_user_attributes",
                "trials",
            )
        ),
    ),
    "optuna_state": (
        set(),
        (f"UPDATE trials SET state = 'FAIL' WHERE {ONE.format('complete')}",),
    ),
    "optuna_not_told": (
        {"lease_ran_out", "running_without_claim"},
        (*UNTOLD, EXPIRE),
    ),
    "optuna_value": (
        set(),
        (f"UPDATE trial_values SET value = value + 1e-12 WHERE {ONE.format('complete')}",),
    ),
    "optuna_only": (
        set(),
        (f"INSERT INTO trials (number, study_id, state) VALUES (99, {STUDY}, 'COMPLETE')",),
    ),
    "running_without_claim": (
        set(),
        (f"INSERT INTO trials (number, study_id, state) VALUES (99, {STUDY}, 'RUNNING')",),
    ),
    "lease_ran_out": ({"running_without_claim"}, (EXPIRE,)),
    "claim_without_trial": (
        set(),
        (f"UPDATE trials SET state = 'FAIL' WHERE {ONE.format('running')}",),
    ),
    "fold_scores": (
        set(),
        (f"UPDATE fold_score SET fold = 2 WHERE fold = 1 AND {ONE.format('complete')}",),
    ),
    "predictions": (
        set(),
        (f"DELETE FROM oof_prediction WHERE fold = 0 AND {ONE.format('complete')}",),
    ),
    "epochs": (
        set(),
        (f"DELETE FROM epoch_metric WHERE fold = 1 AND epoch = 2 AND {ONE.format('complete')}",),
    ),
    "pruned_epochs": (
        set(),
        (f"DELETE FROM epoch_metric WHERE fold = 1 AND epoch = 1 AND {ONE.format('pruned')}",),
    ),
    "scores_without_result": (
        set(),
        (
            "INSERT INTO fold_score (trial_id, fold, score) "
            "SELECT trial_id, 0, 0.5 FROM trial_run WHERE state = 'failed'",
        ),
    ),
    "truth": (set(), ("UPDATE study_truth SET labels = sequence_ids",)),
    "study_deleted": (set(), ("UPDATE studies SET study_name = 'another'",)),
    "configuration": (set(), ("UPDATE study_record SET config = '{}'",)),
}
"""How each rule is broken, and which others are then broken too."""
