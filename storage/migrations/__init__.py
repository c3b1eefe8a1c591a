"""Alembic history of the tables beside Optuna's."""
