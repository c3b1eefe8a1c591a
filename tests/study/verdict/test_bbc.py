"""The best of an arm, corrected for having been selected."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from study.verdict.bbc import Bbc, bbc
from study.verdict.bootstrap import draws, resampled
from study.verdict.errors import TooFew
from study.verdict.score import Classes, scores, subject_counts

OTHER = 3
SUBJECTS, SEQUENCES = 20, 16
IDENTITY = Classes(np.arange(4), OTHER)

Predictions = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def predictions(skills: NDArray[np.float64], random: np.random.Generator) -> Predictions:
    """Truth and subject, [N], and predictions, [T, N], by configurations of these skills."""
    subject = np.repeat(np.arange(SUBJECTS), SEQUENCES)
    truth = random.integers(0, 4, subject.shape)
    ease = random.normal(0, 0.1, SUBJECTS)[subject]
    right = random.random((len(skills), subject.size)) < skills[:, None] + ease
    return truth, subject, np.where(right, truth, random.integers(0, 4, right.shape))


def counts_of(skills: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    truth, subject, predicted = predictions(skills, random)
    return np.stack([subject_counts(truth, one, subject, IDENTITY) for one in predicted])


def scored(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    binary = f1_score(truth != OTHER, predicted != OTHER, zero_division=0)
    return float((binary + f1_score(truth, predicted, average="macro", zero_division=0)) / 2)


def test_equals_the_procedure_written_out() -> None:
    random = np.random.default_rng(0)
    truth, subject, predicted = predictions(np.full(4, 0.6), random)
    counts = np.stack([subject_counts(truth, one, subject, IDENTITY) for one in predicted])
    multiplicities = draws(SUBJECTS, 8, 0)
    expected = []
    for row in multiplicities:
        rows = np.repeat(np.arange(subject.size), row[subject])
        winner = np.argmax([scored(truth[rows], one[rows]) for one in predicted])
        out = row[subject] == 0
        expected.append(scored(truth[out], predicted[winner][out]))
    found = bbc(counts, multiplicities, OTHER)
    np.testing.assert_allclose(found.draws, expected)
    assert found.estimate == pytest.approx(np.mean(expected))


def test_pays_for_the_selection_among_equals() -> None:
    """Subjects left out know nothing of the choice: it scores like one chosen blindly."""
    random = np.random.default_rng(1)
    multiplicities = draws(SUBJECTS, 100, 0)
    flattered, corrected = [], []
    for _ in range(60):
        counts = counts_of(np.full(12, 0.6), random)
        found = bbc(counts, multiplicities, OTHER)
        blind = np.mean([bbc(one[None], multiplicities, OTHER).estimate for one in counts])
        flattered.append(found.in_sample - scores(counts.sum(1), OTHER).score.mean())
        corrected.append(found.estimate - blind)
    error = np.std(corrected, ddof=1) / np.sqrt(60)
    assert abs(np.mean(corrected)) < 3 * error
    assert np.mean(flattered) > 0.02
    assert error < 0.003


def test_a_truly_better_configuration_is_found() -> None:
    skills = np.array([0.4, 0.4, 0.8, 0.4])
    counts, multiplicities = counts_of(skills, np.random.default_rng(2)), draws(SUBJECTS, 100, 0)
    alone = bbc(counts[2:3], multiplicities, OTHER)
    np.testing.assert_allclose(bbc(counts, multiplicities, OTHER).draws, alone.draws)


def test_one_configuration_is_its_mean_out_of_bag() -> None:
    counts = counts_of(np.array([0.6]), np.random.default_rng(3))
    multiplicities = draws(SUBJECTS, 50, 0)
    found = bbc(counts, multiplicities, OTHER)
    out = resampled(counts[0], (multiplicities == 0).astype(np.int64), OTHER).score
    np.testing.assert_allclose(found.draws, out)
    assert found.estimate == pytest.approx(out.mean())
    assert found.in_sample == pytest.approx(scores(counts[0].sum(0), OTHER).score)
    assert found.optimism == pytest.approx(found.in_sample - found.estimate)


@given(st.permutations(range(6)), st.integers(1, 6))
def test_order_does_not_matter_even_with_ties(order: list[int], budget: int) -> None:
    counts = counts_of(np.full(3, 0.6), np.random.default_rng(4))[[0, 1, 2, 0, 1, 0]]
    multiplicities = draws(SUBJECTS, 10, 0)
    found = bbc(counts[order], multiplicities, OTHER, budget)
    expected = bbc(counts, multiplicities, OTHER, budget)
    np.testing.assert_allclose(found.draws, expected.draws)
    assert found.in_sample == pytest.approx(expected.in_sample)


def test_a_budget_of_one_is_the_mean_and_a_larger_one_selects_more() -> None:
    counts = counts_of(np.linspace(0.3, 0.8, 8), np.random.default_rng(5))
    multiplicities = draws(SUBJECTS, 50, 0)

    def best_of(budget: int | None) -> Bbc:
        return bbc(counts, multiplicities, OTHER, budget)

    each = [bbc(one[None], multiplicities, OTHER).draws for one in counts]
    np.testing.assert_allclose(best_of(1).draws, np.mean(each, axis=0))
    np.testing.assert_allclose(best_of(8).draws, best_of(None).draws)
    assert best_of(1).estimate < best_of(3).estimate < best_of(8).estimate


def test_draws_that_leave_nobody_out_are_skipped_for_all_arms_alike() -> None:
    counts = counts_of(np.full(3, 0.6), np.random.default_rng(6))
    everybody = np.ones((1, SUBJECTS), dtype=np.int64)
    some = draws(SUBJECTS, 5, 0)
    mixed = np.concatenate([some[:2], everybody, some[2:]])
    np.testing.assert_array_equal(bbc(counts, mixed, OTHER).draws, bbc(counts, some, OTHER).draws)
    with pytest.raises(TooFew, match="draws that leave a subject out"):
        bbc(counts, everybody, OTHER)


def test_too_little_is_said() -> None:
    counts = counts_of(np.full(2, 0.6), np.random.default_rng(7))
    with pytest.raises(TooFew, match="configurations"):
        bbc(counts[:0], draws(SUBJECTS, 5, 0), OTHER)
    with pytest.raises(TooFew, match="budget"):
        bbc(counts, draws(SUBJECTS, 5, 0), OTHER, budget=3)


def test_a_whole_arm_takes_less_than_a_second() -> None:
    counts = np.random.default_rng(0).integers(0, 9, (64, 38, 9, 9))
    multiplicities = draws(38, 1000, 0)
    started = time.process_time()
    bbc(counts, multiplicities, OTHER)
    assert time.process_time() - started < 1
