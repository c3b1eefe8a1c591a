"""The score from coarse counts against the trained-on score and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from model.hierarchy import Hierarchy
from model.score import confusion
from model.score import scores as scores_in_training
from study.verdict.errors import VerdictError
from study.verdict.score import Classes, scores, subject_counts

LABELS = Hierarchy.of(targets=("a", "m", "z"), others=("b", "n", "y", "zz"))
OTHER = LABELS.coarse.index(LABELS.other)
CLASSES = Classes(LABELS.fine_to_coarse, OTHER)

fine_ids = st.integers(0, 6)
rows = st.lists(st.tuples(fine_ids, fine_ids, st.integers(0, 4)), min_size=1, max_size=60)


def counted(truth: list[int], predicted: list[int]) -> NDArray[np.int64]:
    ids = np.array(truth, dtype=np.int64), np.array(predicted, dtype=np.int64)
    return subject_counts(*ids, np.zeros(len(truth), dtype=np.int64), CLASSES)


@given(rows)
def test_equals_scikit_learn_and_training(found: list[tuple[int, int, int]]) -> None:
    truth, predicted, subject = np.array(found).T
    got = scores(subject_counts(truth, predicted, subject, CLASSES).sum(0), OTHER)

    is_target = LABELS.is_target
    binary = f1_score(is_target[truth], is_target[predicted], zero_division=0)
    coarse = LABELS.fine_to_coarse
    macro = f1_score(coarse[truth], coarse[predicted], average="macro", zero_division=0)
    np.testing.assert_allclose(got.binary_f1, binary, atol=1e-12)
    np.testing.assert_allclose(got.macro_f1, macro, atol=1e-12)
    np.testing.assert_allclose(got.score, (binary + macro) / 2, atol=1e-12)

    pair = torch.from_numpy(truth[None]), torch.from_numpy(predicted[None])
    fine = confusion(*pair, torch.ones(1, len(truth), dtype=torch.bool), 7)
    np.testing.assert_allclose(got.score, scores_in_training(fine, LABELS).score[0], atol=1e-12)


@given(rows)
def test_counts_of_subjects_are_those_of_their_rows(found: list[tuple[int, int, int]]) -> None:
    truth, predicted, subject = np.array(found, dtype=np.uint8).T
    counts = subject_counts(truth, predicted, subject, CLASSES)
    assert counts.shape == (subject.max() + 1, 4, 4)
    for s, own in enumerate(counts):
        of = subject == s
        expected = np.zeros((4, 4), dtype=np.int64)
        pair = LABELS.fine_to_coarse[truth[of]], LABELS.fine_to_coarse[predicted[of]]
        np.add.at(expected, pair, 1)
        np.testing.assert_array_equal(own, expected)


def test_edge_cases() -> None:
    a, b, m, n = (LABELS.fine.index(name) for name in "abmn")
    assert scores(counted([a, m], [a, m])[0], OTHER).score == 1
    assert scores(counted([a, a], [m, m])[0], OTHER).score == 0.5  # right as target, wrong gesture
    assert scores(counted([b, b], [n, n])[0], OTHER).score == 0.5  # no target: binary F1 is 0
    assert scores(counted([a, m], [b, n])[0], OTHER).score == 0  # only other predicted
    assert scores(np.zeros((4, 4)), OTHER).score == 0  # nothing at all
    assert counted([], []).shape == (0, 4, 4)


@given(rows, st.sampled_from([0.01, 0.2, 3.0]))
@example([(0, 1, 0), (0, 1, 0), (1, 0, 0)], 0.01)
def test_scale_of_the_counts_does_not_matter(
    found: list[tuple[int, int, int]], factor: float
) -> None:
    """Means over repeats may be fractions below 1."""
    truth, predicted, subject = np.array(found).T
    counts = subject_counts(truth, predicted, subject, CLASSES)
    scaled, whole = scores(counts.astype(np.float64) * factor, OTHER), scores(counts, OTHER)
    np.testing.assert_allclose(scaled.score, whole.score, atol=1e-12)
    assert (scaled.score >= 0).all()


def test_leading_axes_are_kept() -> None:
    counts = np.random.default_rng(0).integers(0, 5, (2, 3, 4, 4))
    got = scores(counts, OTHER)
    assert got.score.shape == got.binary_f1.shape == got.macro_f1.shape == (2, 3)
    assert got.score[1, 2] == scores(counts[1, 2], OTHER).score


@pytest.mark.parametrize("bad", [7, -1])
def test_unknown_ids_are_refused(bad: int) -> None:
    with pytest.raises(VerdictError, match="1 of 2 class ids are unknown: expected 0 to 6"):
        counted([0, 0], [0, bad])


def test_lengths_must_agree() -> None:
    with pytest.raises(VerdictError, match="found 2, 1 and 2"):
        counted([0, 0], [0])
