"""Data, network, losses, weighting and score of a stack of replicas.

Knows nothing of studies, Optuna or SQL. Importing this package imports neither
torch nor lightning; its modules do where they use them.
"""
