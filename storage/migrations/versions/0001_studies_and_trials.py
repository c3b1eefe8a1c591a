"""Studies, claims, scores, histories and predictions.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HELD = sa.text("state IN ('running', 'complete', 'pruned', 'failed')")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "study_record",
        sa.Column("study_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("arms", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("data_hash", sa.String(length=64), nullable=False),
        sa.Column("config_hash", sa.String(length=64), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_study_record"),
        sa.UniqueConstraint("name", name="uq_study_record_name"),
    )
    op.create_table(
        "trial_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("cell", sa.String(length=64), nullable=False),
        sa.Column("arm", sa.String(length=64), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("log_tail", sa.Text(), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Double(), nullable=False),
        sa.Column("lease_expires", sa.Double(), nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=True),
        sa.Column("device", sa.String(length=255), nullable=True),
        sa.Column("device_seconds", sa.Double(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("data_hash", sa.String(length=64), nullable=False),
        sa.Column("config_hash", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'complete', 'pruned', 'failed', 'retry', 'released')",
            name="ck_trial_run_state",
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["study_record.study_id"],
            name="fk_trial_run_study_id_study_record",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_trial_run"),
        sa.UniqueConstraint("trial_id", name="uq_trial_run_trial_id"),
    )
    op.create_index("ix_trial_run_study_id_state", "trial_run", ["study_id", "state"], unique=False)
    op.create_index(
        "ux_trial_run_held_cell",
        "trial_run",
        ["study_id", "cell"],
        unique=True,
        sqlite_where=HELD,
        postgresql_where=HELD,
    )
    op.create_table(
        "epoch_metric",
        sa.Column("trial_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fold", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("binary_f1", sa.Double(), nullable=True),
        sa.Column("macro_f1", sa.Double(), nullable=True),
        sa.Column("train_multiclass", sa.Double(), nullable=True),
        sa.Column("train_binary", sa.Double(), nullable=True),
        sa.Column("train_nine_class", sa.Double(), nullable=True),
        sa.Column("train_kl", sa.Double(), nullable=True),
        sa.Column("train_total", sa.Double(), nullable=True),
        sa.Column("val_multiclass", sa.Double(), nullable=True),
        sa.Column("val_binary", sa.Double(), nullable=True),
        sa.Column("val_nine_class", sa.Double(), nullable=True),
        sa.Column("val_kl", sa.Double(), nullable=True),
        sa.Column("val_total", sa.Double(), nullable=True),
        sa.Column("weight_multiclass", sa.Double(), nullable=True),
        sa.Column("weight_binary", sa.Double(), nullable=True),
        sa.Column("weight_nine_class", sa.Double(), nullable=True),
        sa.Column("weight_kl", sa.Double(), nullable=True),
        sa.Column("s_multiclass", sa.Double(), nullable=True),
        sa.Column("s_binary", sa.Double(), nullable=True),
        sa.Column("s_nine_class", sa.Double(), nullable=True),
        sa.Column("s_kl", sa.Double(), nullable=True),
        sa.Column("alpha", sa.Double(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["trial_run.trial_id"],
            name="fk_epoch_metric_trial_id_trial_run",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trial_id", "fold", "epoch", name="pk_epoch_metric"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fold_score",
        sa.Column("trial_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fold", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("binary_f1", sa.Double(), nullable=True),
        sa.Column("macro_f1", sa.Double(), nullable=True),
        sa.Column("best_epoch", sa.Integer(), nullable=True),
        sa.Column("best_score", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["trial_run.trial_id"],
            name="fk_fold_score_trial_id_trial_run",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trial_id", "fold", name="pk_fold_score"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "oof_prediction",
        sa.Column("trial_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fold", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("predicted", sa.LargeBinary(), nullable=False),
        sa.Column("sequence_ids", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["trial_run.trial_id"],
            name="fk_oof_prediction_trial_id_trial_run",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trial_id", "fold", name="pk_oof_prediction"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("oof_prediction")
    op.drop_table("fold_score")
    op.drop_table("epoch_metric")
    op.drop_index("ux_trial_run_held_cell", table_name="trial_run")
    op.drop_index("ix_trial_run_study_id_state", table_name="trial_run")
    op.drop_table("trial_run")
    op.drop_table("study_record")
