"""Tables beside Optuna's, in the same database: claims, outcomes, histories, predictions."""
