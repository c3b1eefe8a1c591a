"""The score against scikit-learn and the official metric's edge cases."""

from __future__ import annotations

import time

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from model.hierarchy import Hierarchy
from model.score import Scores, confusion, scores

CMI = Hierarchy.of(
    targets=(
        "Above ear - pull hair",
        "Cheek - pinch skin",
        "Eyebrow - pull hair",
        "Eyelash - pull hair",
        "Forehead - pull hairline",
        "Forehead - scratch",
        "Neck - pinch skin",
        "Neck - scratch",
    ),
    others=(
        "Text on phone",
        "Wave hello",
        "Write name in air",
        "Pull air toward your face",
        "Feel around in tray and pull out an object",
        "Glasses on/off",
        "Drink from bottle/cup",
        "Scratch knee/leg skin",
        "Write name on leg",
        "Pinch knee/leg skin",
    ),
)


def by_sklearn(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], hierarchy: Hierarchy = CMI
) -> tuple[float, float]:
    """Binary F1 and macro F1 as the competition's script computes them."""
    binary = f1_score(hierarchy.is_target[truth], hierarchy.is_target[predicted], zero_division=0)
    macro = f1_score(
        hierarchy.fine_to_coarse[truth],
        hierarchy.fine_to_coarse[predicted],
        average="macro",
        zero_division=0,
    )
    return float(binary), float(macro)


def by_counts(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> Scores:
    counted = torch.ones(truth.shape, dtype=torch.bool)
    counts = confusion(torch.from_numpy(truth), torch.from_numpy(predicted), counted, 18)
    return scores(counts, CMI)


def one(truth: str, predicted: str, times: int = 7) -> float:
    """Score of the same answer to the same question, several times."""
    ids = [np.full((1, times), CMI.fine.index(name)) for name in (truth, predicted)]
    return float(by_counts(*ids).score)


class_ids = st.integers(0, 17)


@given(st.lists(st.tuples(class_ids, class_ids), min_size=1, max_size=60))
def test_equals_scikit_learn_on_any_input(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    found = by_counts(truth[None], predicted[None])
    binary, macro = by_sklearn(truth, predicted)
    np.testing.assert_allclose(found.binary_f1, [binary], atol=1e-12)
    np.testing.assert_allclose(found.macro_f1, [macro], atol=1e-12)
    np.testing.assert_allclose(found.score, [(binary + macro) / 2], atol=1e-12)


def test_official_edge_cases() -> None:
    assert one("Text on phone", "Text on phone") == 0.5
    assert one("Eyebrow - pull hair", "Forehead - pull hairline") == 0.5
    assert one("Eyebrow - pull hair", "Text on phone") == 0.0
    assert one("Wave hello", "Glasses on/off") == 0.5  # one class to the metric
    assert one("Neck - scratch", "Neck - scratch") == 1.0


def test_targets_need_not_come_first_in_sorted_order() -> None:
    assert not CMI.is_target[: len(CMI.coarse) - 1].all()
    assert [CMI.fine[i] for i in np.flatnonzero(CMI.is_target)] == list(CMI.coarse[:-1])


def test_padding_is_not_counted() -> None:
    truth = torch.tensor([[0, 1, 2, 2]])
    predicted = torch.tensor([[0, 1, 2, 5]])
    counted = torch.tensor([[True, True, True, False]])
    cut = confusion(truth[:, :3], predicted[:, :3], counted[:, :3], 18)
    assert torch.equal(confusion(truth, predicted, counted, 18), cut)


def test_replicas_are_scored_apart_and_fast() -> None:
    """25 replicas at once beat a loop over scikit-learn by far (150 times and more)."""
    random = np.random.default_rng(0)
    truth = np.tile(random.integers(0, 18, 1600), (25, 1))
    predicted = np.where(
        random.random(truth.shape) < 0.7, truth, random.integers(0, 18, truth.shape)
    )
    by_counts(truth, predicted)
    started = time.perf_counter()
    for _ in range(10):
        found = by_counts(truth, predicted)
    ours = (time.perf_counter() - started) / 10
    started = time.perf_counter()
    expected = [np.mean(by_sklearn(t, p)) for t, p in zip(truth, predicted, strict=True)]
    theirs = time.perf_counter() - started
    np.testing.assert_allclose(found.score, expected, atol=1e-12)
    assert theirs / ours > 50, f"expected far above 50, found {theirs / ours:.0f}"
