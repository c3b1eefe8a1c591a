"""Which fold tests which sequence: grouped by subject, stratified by fine class.

Notation: N sequences, S subjects, L fine classes, K folds.

scikit-learn's StratifiedGroupKFold is not used: since 1.8 it places the groups
in order of their class variance and shuffles those with equal variance only,
so data whose subjects differ in size get the same split whatever the seed, and
repeats would repeat nothing (until 1.7 its shuffled folds were not stratified:
scikit-learn pull request 32540). The same greedy idea over subjects in random
order has neither fault, balances as well, and does not change with a library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.errors import ConfigError, DataError, Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data.sequences import SequenceSet


SPLITS = 1000
"""Repeats that differ by a multiple of it share their split, and nothing else: what their
scores differ by is due to seeds alone."""


def assign_folds(sequences: SequenceSet, folds: int, seed: int, repeat: int) -> NDArray[np.int64]:
    """Give each sequence the fold that tests it, [N]; the same for every arm.

    A subject's sequences share a fold. Subjects are placed in an order drawn
    from (seed, repeat % SPLITS), each in the fold that leaves the classes most
    evenly spread.

    Raises:
        ConfigError: fewer than two folds.
        DataError: fewer subjects than folds, or a class that some training fold
            would not see.
    """
    if folds < 2:
        raise ConfigError(f"folds: expected at least 2, found {folds}")
    subjects, group = np.unique(sequences.subject, return_inverse=True)
    counts = np.zeros((len(subjects), len(sequences.hierarchy.fine)))
    np.add.at(counts, (group, sequences.label), 1)
    if len(subjects) < folds:
        faults = [_too_few_subjects(len(subjects), folds), *_classes_of_one(sequences, counts)]
        raise DataError("folds", faults)
    fold_of_subject = _place(counts, folds, np.random.default_rng([seed, repeat % SPLITS]))
    unseen = _unseen_in_training(sequences, counts, fold_of_subject, folds)
    if unseen:
        raise DataError("folds", unseen)
    return fold_of_subject[group]


def _place(counts: NDArray[np.float64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each subject, [S], from its sequences per class [S, L].

    Adding shares s to a fold that holds l raises the sum of squared shares over
    folds by |s|^2 + 2 l.s, so the least l.s keeps them most even. The share of
    all sequences counts as one class more: it evens out the folds' sizes and
    gives an empty fold precedence over any other.
    """
    held = np.column_stack([counts, counts.sum(axis=1)])
    shares = held / np.maximum(held.sum(axis=0), 1)
    load = np.zeros((folds, shares.shape[1]))
    placed = np.empty(len(shares), np.int64)
    for subject in rng.permutation(len(shares)):
        placed[subject] = np.argmin(load @ shares[subject])
        load[placed[subject]] += shares[subject]
    return placed


def _too_few_subjects(subjects: int, folds: int) -> Fault:
    return Fault(
        f"{subjects} subjects with sequences (expected at least {folds}, one for each fold: "
        "take fewer folds)"
    )


def _classes_of_one(sequences: SequenceSet, counts: NDArray[np.float64]) -> list[Fault]:
    """Classes that no split can keep in every training fold."""
    holders = np.count_nonzero(counts, axis=0)
    return [
        Fault(f'class "{name}" has sequences of one subject only (expected two or more subjects)')
        for name, subjects in zip(sequences.hierarchy.fine, holders, strict=True)
        if subjects == 1
    ]


def _unseen_in_training(
    sequences: SequenceSet,
    counts: NDArray[np.float64],
    fold_of_subject: NDArray[np.int64],
    folds: int,
) -> list[Fault]:
    """Classes missing from training folds; one without any sequence is a fault in targets only."""
    tested = np.zeros((folds, counts.shape[1]))
    np.add.at(tested, fold_of_subject, counts)
    total = counts.sum(axis=0)
    absent = (tested == total) & ((total > 0) | sequences.hierarchy.is_target)
    return [
        Fault(
            f'class "{sequences.hierarchy.fine[label]}" is absent from the training side of '
            f"fold {', '.join(map(str, np.flatnonzero(absent[:, label])))} "
            f"(expected on every training side; sequences of it in all: {int(total[label])})"
        )
        for label in np.flatnonzero(absent.any(axis=0))
    ]
