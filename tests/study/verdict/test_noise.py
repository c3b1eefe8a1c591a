"""Sources of noise, recovered from studies in which they are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.verdict.bootstrap import draws
from study.verdict.errors import NotFinite, TooFew
from study.verdict.noise import Noise, noise, variance_of_subjects

Array = NDArray[np.float64]

FOLDS = 5
SUBJECT, SPLIT, SEED, OWN = 0.03, 0.008, 0.006, 0.02
"""SDs: of a subject's lasting difference; of a fold's by its split; of a fold's by its seeds;
of a subject's by these seeds, apart from other subjects of the fold."""


def study(random: np.random.Generator, subjects: int, repeats: int, reruns: int = 1) -> Array:
    """Differences of each subject when each repeat's split is trained `reruns` times,
    [repeats, reruns, folds, subjects of a fold]."""
    people = random.normal(0, SUBJECT, (FOLDS, subjects // FOLDS))
    split = random.normal(0, SPLIT, (repeats, 1, FOLDS, 1))
    seed = random.normal(0, SEED, (repeats, reruns, FOLDS, 1))
    own = random.normal(0, OWN, (repeats, reruns, *people.shape))
    return people + split + seed + own


def drawn(found: Array, count: int) -> Array:
    """Bootstrap the first training of each repeat, [R, B]."""
    by_subject = found[:, 0].reshape(len(found), -1)
    subjects = by_subject.shape[1]
    return by_subject @ draws(subjects, count, 0).T / subjects


def test_each_source_is_recovered() -> None:
    """Tolerances are four standard errors of an SD, 1 / sqrt(2 degrees of freedom)."""
    subjects, repeats = 400, 300
    found = study(np.random.default_rng(0), subjects, repeats, reruns=3)
    by_fold = found.mean(3)
    got = noise(by_fold[:, 0], list(by_fold), variance_of_subjects(drawn(found, 2000)))

    seed = np.sqrt(SEED**2 + OWN**2 * FOLDS / subjects)
    split, subject = SPLIT / np.sqrt(FOLDS), SUBJECT / np.sqrt(subjects)
    both = np.sqrt(split**2 + seed**2 / FOLDS)
    assert got.seed_sd == pytest.approx(seed, rel=4 / np.sqrt(2 * repeats * 2 * FOLDS))
    assert got.seed_split_sd == pytest.approx(both, rel=4 / np.sqrt(2 * repeats))
    assert got.split_sd == pytest.approx(split, rel=4 / np.sqrt(2 * repeats) * (both / split) ** 2)
    assert got.subject_sd == pytest.approx(subject, rel=4 / np.sqrt(2 * subjects))

    total = seed**2 / (FOLDS * repeats) + split**2 / repeats + subject**2
    assert got.shares["subjects"] == pytest.approx(subject**2 / total, abs=0.02)
    assert got.shares["seeds"] == pytest.approx(seed**2 / (FOLDS * repeats) / total, abs=0.01)
    assert got.advice == "subjects"


def test_the_parts_add_up_to_the_noise_of_whole_studies() -> None:
    """Studies of ordinary size, each with people of its own: mean variances add up."""
    random, subjects, repeats, studies = np.random.default_rng(1), 40, 5, 400
    means, parts = [], []
    for _ in range(studies):
        found = study(random, subjects, repeats)
        by_repeat = found.mean(3)[:, 0]
        got = noise(by_repeat, (), variance_of_subjects(drawn(found, 60)))
        assert got.seed_split_sd is not None
        assert got.subject_sd is not None
        means.append(by_repeat.mean())
        parts.append(got.seed_split_sd**2 / repeats + got.subject_sd**2)
    assert np.mean(parts) == pytest.approx(np.var(means), rel=4 * np.sqrt(2 / studies))


def test_subjects_are_not_blamed_for_seeds_and_splits() -> None:
    random, subjects, repeats, studies = np.random.default_rng(2), 40, 3, 300
    net, raw = [], []
    for _ in range(studies):
        of = drawn(study(random, subjects, repeats), 60)
        net.append(variance_of_subjects(of))
        raw.append(of.mean(0).var(ddof=1))
    expected = SUBJECT**2 / subjects * (subjects - 1) / subjects
    error = np.std(net, ddof=1) / np.sqrt(studies)
    assert abs(np.mean(net) - expected) < 3 * error
    assert np.mean(raw) - expected > 4 * error


def test_one_repeat_cannot_be_taken_apart() -> None:
    of = drawn(study(np.random.default_rng(3), 40, 1), 500)
    assert variance_of_subjects(of) == pytest.approx(of.var(ddof=1))
    assert variance_of_subjects([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]) == 0  # nothing in common


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("seeds", noise([[1, -1], [-1, 1]], [np.array([[2, 0], [0, 2]])], 0.1)),
        ("repeats", noise([[1, 1], [-1, -1]], [np.array([[0.1, 0], [0, 0]])], 0.1)),
        ("repeats", noise([[1, 1], [-1, -1]], [], 0.1)),
        ("subjects", noise([[1, 1], [-1, -1]], [], 9.0)),
    ],
)
def test_advice_names_the_largest_share(source: str, found: Noise) -> None:
    assert found.advice == source


def test_worked_by_hand() -> None:
    """Reruns pool to (2 + 2 + 0 + 8) / 4 = 3; means 1 and 7 have variance 18; 18 - 3/2 = 16.5."""
    reruns = [np.array([[1, 0], [3, 2]]), np.array([[5, 0], [5, 4]])]
    got = noise([[0, 2], [6, 8]], reruns, 4.25)
    assert got.seed_sd == pytest.approx(np.sqrt(3))
    assert got.split_sd == pytest.approx(np.sqrt(16.5))
    assert got.seed_split_sd == pytest.approx(np.sqrt(18))
    assert got.subject_sd == pytest.approx(np.sqrt(4.25))
    total = 3 / 4 + 16.5 / 2 + 4.25
    assert got.shares == pytest.approx(
        {"seeds": 0.75 / total, "splits": 8.25 / total, "subjects": 4.25 / total}
    )


def test_what_data_cannot_tell_is_none() -> None:
    one = noise([[0.1, 0.2]])
    assert one == Noise(None, None, None, None, {}, None)
    assert noise([[0.1, 0.2]], (), 0.04) == Noise(None, None, None, 0.2, {}, None)

    without_reruns = noise([[0.1, 0.2], [0.3, 0.3]], (), 0.04)
    assert without_reruns.seed_sd is without_reruns.split_sd is None
    assert set(without_reruns.shares) == {"seeds_and_splits", "subjects"}

    without_repeats = noise([[0.1, 0.2]], [[[0.1, 0.2], [0.2, 0.2]]], 0.04)
    assert without_repeats.seed_sd is not None
    assert without_repeats.split_sd is without_repeats.seed_split_sd is None
    assert without_repeats.shares == {}
    assert without_repeats.advice is None

    without_subjects = noise([[0.1, 0.2], [0.3, 0.3]])
    assert without_subjects.seed_split_sd is not None
    assert (without_subjects.shares, without_subjects.advice) == ({}, None)

    trained_once = noise([[0.1, 0.2]], [[[0.1, 0.2]]])
    assert trained_once.seed_sd is None


def test_no_variance_has_no_shares() -> None:
    got = noise(np.zeros((3, 5)), [np.zeros((2, 5))], 0.0)
    assert (got.seed_sd, got.split_sd, got.subject_sd) == (0, 0, 0)
    assert (got.shares, got.advice) == ({}, None)


values = st.lists(st.floats(-1, 1), min_size=12, max_size=12)


@given(values, values, st.floats(0, 1))
def test_shares_add_up_and_scale_does_not_matter(
    first: list[float], second: list[float], variance: float
) -> None:
    differences, rerun = np.reshape(first, (4, 3)), np.reshape(second, (4, 3))
    got = noise(differences, [rerun], variance)
    assert not got.shares or sum(got.shares.values()) == pytest.approx(1)
    doubled = noise(2 * differences + 5, [2 * rerun - 3], 4 * variance)
    assert got.seed_sd is not None
    assert doubled.seed_sd == pytest.approx(2 * got.seed_sd, abs=1e-9)
    assert got.seed_split_sd is not None
    assert doubled.seed_split_sd == pytest.approx(2 * got.seed_split_sd, abs=1e-9)


def test_bad_values_are_refused() -> None:
    with pytest.raises(NotFinite, match="1 of 2 differences"):
        noise([[0.1, float("nan")]])
    with pytest.raises(TooFew, match="differences"):
        noise(np.empty((0, 5)))
    with pytest.raises(TooFew, match="draws"):
        variance_of_subjects([[0.1]])
