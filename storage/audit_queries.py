"""Rules that a study's rows keep, each as the SQL that finds what breaks it.

A statement's rows are what breaks the rule, as text. `:study`, `:now`, `:folds`, `:epochs` and
`:all_epochs` (of all folds) are bound. Everything is counted by the database, so that
a study's size hardly matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.tables import HELD_SQL

_TRIAL = "coalesce('trial ' || r.number, 'run ' || r.id)"
_RUNS = f"SELECT {_TRIAL} FROM trial_run r"  # noqa: S608 (nothing here comes from outside)
_OF_STUDY = "WHERE r.study_id = :study"
_OPTUNA = "LEFT JOIN trials t ON t.trial_id = r.trial_id AND t.study_id = r.study_id"
_STATE = "CAST(t.state AS VARCHAR(16))"
_EXPECTED = (
    "CASE r.state WHEN 'complete' THEN 'COMPLETE' WHEN 'pruned' THEN 'PRUNED' ELSE 'FAIL' END"
)
_LIVE = "l.state = 'running' AND l.lease_expires > :now"
_SOMEBODY = f"EXISTS (SELECT 1 FROM trial_run l WHERE l.study_id = :study AND {_LIVE})"  # noqa: S608 (as above)


@dataclass(frozen=True)
class Rule:
    """What holds of every study."""

    code: str
    """Its name, for programs."""
    broken: str
    """What to say of what breaks it."""
    query: str


def _rows_of(table: str, is_whole: str) -> str:
    """Complete trials whose rows in a table, `n` of them, are not as they should be."""
    last = ", max(epoch) AS last, min(epoch) AS first_epoch" if table == "epoch_metric" else ""
    return f"""{_RUNS} LEFT JOIN (
        SELECT trial_id, count(*) AS n, min(fold) AS lowest, max(fold) AS highest{last}
        FROM {table} WHERE trial_id IN (SELECT trial_id FROM trial_run WHERE study_id = :study)
        GROUP BY trial_id) f ON f.trial_id = r.trial_id
        {_OF_STUDY} AND (f.n IS NULL OR f.lowest <> 0 OR f.highest <> :folds - 1
            OR NOT ({is_whole}))"""  # noqa: S608 (as above)


RULES = (
    Rule(
        "cell_held_twice",
        "cells held by more than one attempt",
        f"SELECT 'cell ' || cell FROM trial_run WHERE study_id = :study AND {HELD_SQL} "  # noqa: S608 (as above)
        "GROUP BY cell HAVING count(*) > 1",
    ),
    Rule(
        "optuna_trial_missing",
        "ended trials that Optuna does not have",
        f"""{_RUNS} {_OPTUNA} {_OF_STUDY} AND r.state <> 'running' AND t.trial_id IS NULL
        AND (r.trial_id IS NOT NULL OR r.state IN ('complete', 'pruned'))""",
    ),
    Rule(
        "optuna_state",
        "ended trials in another state in Optuna",
        f"""{_RUNS} {_OPTUNA} {_OF_STUDY} AND r.state <> 'running' AND {_STATE} <> {_EXPECTED}
        AND (r.told OR {_STATE} <> 'RUNNING')""",
    ),
    Rule(
        "optuna_not_told",
        "ended trials of which Optuna was not told, and nobody is at work who would tell it",
        f"""{_RUNS} {_OPTUNA} {_OF_STUDY} AND r.state <> 'running' AND {_STATE} = 'RUNNING'
        AND NOT r.told AND NOT {_SOMEBODY}""",
    ),
    Rule(
        "optuna_value",
        "trials with another value in Optuna",
        f"""{_RUNS} {_OPTUNA} LEFT JOIN trial_values v ON v.trial_id = t.trial_id
        {_OF_STUDY} AND r.state IN ('complete', 'pruned') AND {_STATE} = {_EXPECTED}
        AND (v.value IS NULL OR r.value IS NULL OR v.value <> r.value)""",
    ),
    Rule(
        "optuna_only",
        "trials with a result in Optuna that nobody has run here",
        f"""SELECT 'trial ' || t.number FROM trials t
        LEFT JOIN trial_run r ON r.trial_id = t.trial_id AND r.study_id = t.study_id
        WHERE t.study_id = :study AND {_STATE} IN ('COMPLETE', 'PRUNED') AND r.id IS NULL""",  # noqa: S608 (as above)
    ),
    Rule(
        "running_without_claim",
        "trials that Optuna takes for running and nobody holds",
        f"""SELECT 'trial ' || t.number FROM trials t
        LEFT JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'run'
        WHERE t.study_id = :study AND {_STATE} = 'RUNNING' AND NOT EXISTS (
            SELECT 1 FROM trial_run l WHERE l.study_id = :study AND (
                l.trial_id = t.trial_id AND ({_LIVE} OR l.state <> 'running')
                OR l.trial_id IS NULL AND CAST(l.id AS VARCHAR(16)) = a.value_json AND {_LIVE}))""",  # noqa: S608 (as above)
    ),
    Rule(
        "lease_ran_out",
        "claims that nobody renews",
        f"{_RUNS} {_OF_STUDY} AND r.state = 'running' AND r.lease_expires <= :now",
    ),
    Rule(
        "claim_without_trial",
        "claims whose trial has ended in Optuna, or is not there",
        f"""{_RUNS} {_OPTUNA} {_OF_STUDY} AND r.state = 'running' AND r.trial_id IS NOT NULL
        AND (t.trial_id IS NULL OR {_STATE} <> 'RUNNING')""",
    ),
    Rule(
        "fold_scores",
        "complete trials without a score for every fold",
        _rows_of("fold_score", "f.n = :folds") + " AND r.state = 'complete'",
    ),
    Rule(
        "predictions",
        "complete trials without predictions for every fold",
        _rows_of("oof_prediction", "f.n = :folds") + " AND r.state = 'complete'",
    ),
    Rule(
        "epochs",
        "complete trials without every epoch of every fold",
        _rows_of(
            "epoch_metric",
            "f.n = :all_epochs AND f.first_epoch = 0 AND f.last = :epochs - 1",
        )
        + " AND r.state = 'complete'",
    ),
    Rule(
        "pruned_epochs",
        "pruned trials without every epoch of every fold up to their last",
        _rows_of(
            "epoch_metric",
            "f.n = :folds * (f.last + 1) AND f.first_epoch = 0 AND f.last < :epochs",
        )
        + " AND r.state = 'pruned'",
    ),
    Rule(
        "scores_without_result",
        "trials with scores or predictions that are not complete",
        f"""{_RUNS} {_OF_STUDY} AND r.state <> 'complete' AND (
            EXISTS (SELECT 1 FROM fold_score f WHERE f.trial_id = r.trial_id)
            OR EXISTS (SELECT 1 FROM oof_prediction f WHERE f.trial_id = r.trial_id))""",  # noqa: S608 (as above)
    ),
)
