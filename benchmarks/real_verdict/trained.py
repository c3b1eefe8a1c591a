"""Trains the two sides of a comparison.

Notation: R repeats, K folds, S subjects, M coarse classes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.real_verdict.comparisons import BASELINE, Comparison, Setup
from model.data.load import load_sequences
from model.outcomes import Outcome, TrialResult, TrialSpec
from study.verdict import bootstrap
from study.verdict.score import Classes, scores, subject_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data.sequences import SequenceSet
    from model.fit import FitContext

DRAWS = 2000
"""Of the bootstrap over subjects."""
Record = dict[str, Any]


def prepare() -> None:
    """Make this process one of several that share a machine: one thread, low priority."""
    import torch

    torch.set_num_threads(1)
    os.nice(10)


def context_of(comparison: Comparison, setup: Setup) -> FitContext:
    """Data and settings of a comparison: subjects of its own that are not pilots."""
    from model.fit import FitContext, FitSettings

    config = setup.config
    sequences = load_sequences(config.data, config.features.feature_set).without_pilots()
    names = {sequences.subject_names[i] for i in set(sequences.subject.tolist())}
    subjects = comparison.subjects(names, config.subjects or len(names), setup.seed)
    settings = FitSettings(
        network=config.network,
        training=config.training,
        features=config.features,
        folds=config.folds,
        seed=comparison.training_seed(setup.seed),
        device="cpu",
    )
    return FitContext(sequences.of_subjects(subjects), settings)


def train(comparison: Comparison, setup: Setup) -> Record:
    """Train both sides, a stack of two trials for each repeat.

    Returns:
        `subjects`; `test_sizes`, `arm` and `against` (scores), [R][K] each; `pooled`, the
        difference of scores over all out-of-fold predictions with its interval over subjects;
        `cpu_seconds`.

    Raises:
        RuntimeError: a training failed, or the sides were tested on different sequences.
    """
    from model.fit import fit

    started = time.process_time()
    context = context_of(comparison, setup)
    arm, against = [], []
    for theirs, ours in comparison.repeats(setup.repeats):
        specs = [
            TrialSpec("arm", comparison.arm, theirs),
            TrialSpec("against", BASELINE, ours),
        ]
        first, second = (_whole(outcome, comparison) for outcome in fit(context, specs))
        arm.append(first)
        against.append(second)
    if _tested(arm) != _tested(against):
        raise RuntimeError(f"{comparison.name}: the two sides have different folds")
    sequences = context.sequences
    classes = _classes(sequences)
    counts = [_counts(side, sequences, classes) for side in (arm, against)]
    return {
        "subjects": [sequences.subject_names[i] for i in np.unique(sequences.subject)],
        "test_sizes": [[len(ids) for ids in repeat] for repeat in _tested(arm)],
        "arm": _scores(arm),
        "against": _scores(against),
        "pooled": pooled(counts[0], counts[1], classes.other, setup.seed),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def pooled(
    arm: NDArray[np.int64], against: NDArray[np.int64], other: int, seed: int
) -> dict[str, float]:
    """Difference of scores over all out-of-fold predictions, and its 95% interval.

    Args:
        arm: [R, S, M, M] counts of each repeat and subject.
        against: the same of the other side.
        other: coarse id of the class that is no target.
        seed: of the bootstrap.
    """
    drawn = bootstrap.draws(arm.shape[1], DRAWS, seed)
    sides = [bootstrap.over_repeats(counts, drawn, other).score for counts in (arm, against)]
    whole = [float(scores(counts.sum(1), other).score.mean()) for counts in (arm, against)]
    low, high = bootstrap.interval(sides[0] - sides[1])
    return {"difference": whole[0] - whole[1], "low": low, "high": high}


def _whole(outcome: Outcome, comparison: Comparison) -> TrialResult:
    if isinstance(outcome, TrialResult):
        return outcome
    raise RuntimeError(f"{comparison.name}: a training did not reach its end: {outcome}")


def _tested(results: Sequence[TrialResult]) -> list[list[tuple[str, ...]]]:
    return [[fold.sequence_ids for fold in result.folds] for result in results]


def _scores(results: Sequence[TrialResult]) -> list[list[float]]:
    return [[fold.score for fold in result.folds] for result in results]


def _classes(sequences: SequenceSet) -> Classes:
    hierarchy = sequences.hierarchy
    return Classes(hierarchy.fine_to_coarse, hierarchy.coarse.index(hierarchy.other))


def _counts(
    results: Sequence[TrialResult], sequences: SequenceSet, classes: Classes
) -> NDArray[np.int64]:
    """[R, S, M, M]"""
    place = {name: i for i, name in enumerate(sequences.sequence_id.tolist())}
    subject = np.unique(sequences.subject, return_inverse=True)[1]
    counted = []
    for result in results:
        ids = [name for fold in result.folds for name in fold.sequence_ids]
        at = np.array([place[name] for name in ids])
        predicted = np.concatenate([fold.predicted for fold in result.folds])
        counted.append(subject_counts(sequences.label[at], predicted, subject[at], classes))
    return np.stack(counted)
