"""Folds: no subject on both sides, classes spread evenly, faults named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from model.data.folds import SPLITS, assign_folds
from model.data.sequences import SequenceSet
from model.errors import ConfigError, DataError
from model.hierarchy import Hierarchy

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIERARCHY = Hierarchy.of(["b", "d"], ["a", "c", "e"])


def sequence_set(subject: NDArray[np.int64], label: NDArray[np.int64]) -> SequenceSet:
    count = len(subject)
    return SequenceSet(
        features=np.zeros((count, 1), np.float32),
        present=None,
        channels=("acc_x",),
        start=np.arange(count),
        length=np.ones(count, np.int64),
        label=label,
        subject=subject,
        sequence_id=np.arange(count).astype(str),
        subject_names=tuple(map(str, range(subject.max(initial=0) + 1))),
        hierarchy=HIERARCHY,
        pilot_subjects=(),
        digest="",
    )


def uneven(subjects: int = 14, sequences: int = 400, seed: int = 0) -> SequenceSet:
    """Subjects who all differ in their number of sequences."""
    rng = np.random.default_rng(seed)
    weight = np.arange(1, subjects + 1) / np.arange(1, subjects + 1).sum()
    return sequence_set(
        rng.choice(subjects, sequences, p=weight),
        rng.integers(0, len(HIERARCHY.fine), sequences),
    )


@st.composite
def drawn_sets(draw: st.DrawFn) -> SequenceSet:
    subjects = draw(st.integers(2, 12))
    per_subject = draw(
        st.lists(
            st.lists(st.integers(0, 4), min_size=1, max_size=12),
            min_size=subjects,
            max_size=subjects,
        )
    )
    subject = np.repeat(np.arange(subjects), [len(labels) for labels in per_subject])
    return sequence_set(subject, np.concatenate([np.array(one) for one in per_subject]))


@settings(deadline=None)
@given(drawn_sets(), st.integers(2, 5), st.integers(0, 2**40), st.integers(0, 3))
def test_split_is_clean_or_refused(
    sequences: SequenceSet, folds: int, seed: int, repeat: int
) -> None:
    try:
        fold = assign_folds(sequences, folds, seed, repeat)
    except DataError:
        event("refused")
        return
    assert fold.shape == (len(sequences),)
    assert set(fold) == set(range(folds))
    for k in range(folds):
        test, train = fold == k, fold != k
        assert not set(sequences.subject[test]) & set(sequences.subject[train])
        assert set(sequences.label[test]) <= set(sequences.label[train])
    np.testing.assert_array_equal(fold, assign_folds(sequences, folds, seed, repeat))


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_repeats_split_anew(seed: int) -> None:
    sequences = uneven()
    splits = {assign_folds(sequences, 5, seed, repeat).tobytes() for repeat in range(4)}
    assert len(splits) == 4


@given(st.integers(0, 2**32), st.integers(0, SPLITS - 1), st.integers(1, 9))
@settings(deadline=None, max_examples=20)
def test_repeats_a_multiple_of_splits_apart_share_their_split(
    seed: int, repeat: int, times: int
) -> None:
    sequences = uneven()
    split = assign_folds(sequences, 5, seed, repeat)
    np.testing.assert_array_equal(split, assign_folds(sequences, 5, seed, repeat + times * SPLITS))


def test_stratifies_as_well_as_scikit_learn() -> None:
    def imbalance(sequences: SequenceSet, fold: NDArray[np.int64]) -> float:
        counts = np.zeros((5, 5))
        np.add.at(counts, (fold, sequences.label), 1)
        return float((counts / counts.sum(axis=0)).std(axis=0).mean())

    def of_scikit_learn(sequences: SequenceSet) -> NDArray[np.int64]:
        fold = np.empty(len(sequences), np.int64)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        split = splitter.split(sequences.label, sequences.label, sequences.subject)
        for k, (_, test) in enumerate(split):
            fold[test] = k
        return fold

    rng = np.random.default_rng(0)
    even = sequence_set(
        np.repeat(np.arange(20), 50), np.concatenate([rng.permutation(50) % 5 for _ in range(20)])
    )
    nearly_even = even.take(rng.random(len(even)) < 0.9)
    for sequences in (even, nearly_even):
        ours = [imbalance(sequences, assign_folds(sequences, 5, 0, r)) for r in range(10)]
        assert np.mean(ours) <= 1.5 * imbalance(sequences, of_scikit_learn(sequences))


def test_seeds_and_order_of_rows() -> None:
    sequences = uneven()
    fold = assign_folds(sequences, 3, 1, 0)
    assert not np.array_equal(fold, assign_folds(sequences, 3, 2, 0))
    order = np.random.default_rng(0).permutation(len(sequences))
    np.testing.assert_array_equal(assign_folds(sequences.take(order), 3, 1, 0), fold[order])


def test_fewer_subjects_than_folds_and_single_subject_classes_together() -> None:
    sequences = sequence_set(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 3]))
    with pytest.raises(DataError) as caught:
        assign_folds(sequences, 3, 0, 0)
    text = str(caught.value)
    assert "2 subjects with sequences (expected at least 3" in text
    assert 'class "b" has sequences of one subject only' in text
    assert 'class "d"' in text
    assert 'class "a"' not in text


def test_names_class_and_fold_of_an_unseen_class() -> None:
    subject = np.repeat(np.arange(4), 3)
    label = np.array([0, 1, 3, 0, 1, 3, 0, 1, 3, 0, 2, 3])
    sequences = sequence_set(subject, label)
    with pytest.raises(DataError) as caught:
        assign_folds(sequences, 2, 0, 0)
    (fault,) = caught.value.faults
    assert 'class "c" is absent from the training side of fold ' in fault.what
    assert fault.what.split("fold ")[1][0] in "01"


def test_a_target_without_sequences_is_a_fault_another_class_is_not() -> None:
    subject = np.repeat(np.arange(4), 2)
    assign_folds(sequence_set(subject, np.tile([1, 3], 4)), 2, 0, 0)
    with pytest.raises(DataError, match=r'class "d" is absent .* fold 0, 1 .* in all: 0'):
        assign_folds(sequence_set(subject, np.tile([0, 1], 4)), 2, 0, 0)


def test_no_sequences_and_one_fold() -> None:
    empty = sequence_set(np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(DataError, match="0 subjects"):
        assign_folds(empty, 2, 0, 0)
    with pytest.raises(ConfigError, match="at least 2, found 1"):
        assign_folds(uneven(), 1, 0, 0)
