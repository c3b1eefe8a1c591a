"""Row `score`: the score of all replicas at once, against scikit-learn one by one.

Notation: R replicas, V sequences.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from benchmarks.result import Row
from benchmarks.threads import one_thread
from benchmarks.timing import REPEATS, interleaved, ratio_of, summary
from model.data.load import load_sequences
from model.hierarchy import Hierarchy
from model.score import Scores, confusion, scores

REPLICAS = 25
SEQUENCES = 1362
"""Of a test fold of wisdm51, five folds and no pilot subjects."""
RIGHT = 0.7
"""Share of predictions made right."""
CALLS = 40
"""Of each in a round: one call of ours is too short to time."""

Ids = NDArray[np.int64]


def measure(repeats: int = REPEATS, replicas: int = REPLICAS, sequences: int = SEQUENCES) -> Row:
    """Time both on the same labels and predictions, [R, V] fine ids.

    Raises:
        AssertionError: the scores are not equal.
    """
    data = load_sequences("wisdm51", "gravity").without_pilots()
    truth, predicted = drawn(data.label, replicas, sequences)
    tensors = torch.from_numpy(truth), torch.from_numpy(predicted)
    difference = largest_difference(truth, predicted, data.hierarchy)
    with one_thread():
        timings = interleaved(
            {
                "stack": lambda: [of_stack(*tensors, data.hierarchy) for _ in range(CALLS)],
                "scikit-learn": lambda: [
                    one_by_one(truth, predicted, data.hierarchy) for _ in range(CALLS)
                ],
            },
            repeats,
            warmups=1,
        )
    return Row(
        name="score",
        what=f"binary and macro F1 of {replicas} replicas from counts, one thread",
        baseline="scikit-learn's f1_score twice a replica",
        must=150,
        ratio=ratio_of(timings, "stack", "scikit-learn"),
        details={
            "sequences": sequences,
            "calls": CALLS,
            "largest_difference": difference,
            "taken": summary(timings),
        },
    )


def drawn(labels: Ids, replicas: int, sequences: int) -> tuple[Ids, Ids]:
    """True and predicted fine ids, [R, V] each: labels of the data, RIGHT of them found."""
    random = np.random.default_rng(0)
    shape = replicas, sequences
    truth = random.choice(labels, shape)
    return truth, np.where(random.random(shape) < RIGHT, truth, random.choice(labels, shape))


def of_stack(truth: torch.Tensor, predicted: torch.Tensor, hierarchy: Hierarchy) -> Scores:
    """Score all replicas, from [R, V] fine ids."""
    counted = torch.ones_like(truth, dtype=torch.bool)
    return scores(confusion(truth, predicted, counted, len(hierarchy.fine)), hierarchy)


def one_by_one(truth: Ids, predicted: Ids, hierarchy: Hierarchy) -> NDArray[np.float64]:
    """Score each replica by scikit-learn: [R, 2] binary and macro F1."""
    is_target, coarse = hierarchy.is_target, hierarchy.fine_to_coarse
    return np.array(
        [
            (
                f1_score(is_target[true], is_target[found], zero_division=0),
                f1_score(coarse[true], coarse[found], average="macro", zero_division=0),
            )
            for true, found in zip(truth, predicted, strict=True)
        ]
    )


def largest_difference(truth: Ids, predicted: Ids, hierarchy: Hierarchy) -> float:
    """How far the two are apart in any replica.

    Raises:
        AssertionError: farther than rounding explains.
    """
    found = of_stack(torch.from_numpy(truth), torch.from_numpy(predicted), hierarchy)
    ours = torch.stack((found.binary_f1, found.macro_f1), dim=1).numpy()
    difference = float(np.abs(ours - one_by_one(truth, predicted, hierarchy)).max())
    assert difference < 1e-12, f"score: expected equal values, found {difference} apart"
    return difference
