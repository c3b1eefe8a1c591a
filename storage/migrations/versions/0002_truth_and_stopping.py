"""True labels to score predictions against, and the rule by which a confirmation stops.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column and a table; rows that are there stay as they are."""
    op.add_column("study_record", sa.Column("stopping", sa.JSON(), nullable=True))
    op.create_table(
        "study_truth",
        sa.Column("study_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data_hash", sa.String(length=64), nullable=False),
        sa.Column("sequence_ids", sa.LargeBinary(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("subjects", sa.LargeBinary(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["study_record.study_id"],
            name="fk_study_truth_study_id_study_record",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "data_hash", name="pk_study_truth"),
    )


def downgrade() -> None:
    """Drop both. Not in a batch: that would make `study_record` anew, and lose all trials."""
    op.drop_table("study_truth")
    op.drop_column("study_record", "stopping")
