"""Drawn studies have the moments that they state."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from benchmarks.verdict.generators import (
    DIFFICULTY_SD,
    EFFECT_SD,
    EQUAL,
    FOLD_SD,
    GENERATORS,
    RERUN_SD,
    UNEQUAL,
    Correlated,
    Draw,
    Generator,
    Subjects,
)

STUDIES = 3000
SUBJECTS = Subjects("subjects")


def drawn(generator: Generator, repeats: int = 2) -> list[Draw]:
    rng = np.random.default_rng(7)
    return [generator.draw(rng, repeats) for _ in range(STUDIES)]


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.4])
def test_correlated_differences_have_their_sd_and_correlation(rho: float) -> None:
    found = np.array([draw.differences(2) for draw in drawn(Correlated(rho))])
    assert found.shape == (STUDIES, 3, 2, 5)
    assert found.std() == pytest.approx(sqrt(2) * RERUN_SD, rel=0.03)
    first = found[:, 0].reshape(STUDIES, 10)
    correlations = np.corrcoef(first, rowvar=False)[np.triu_indices(10, 1)]
    assert correlations.mean() == pytest.approx(rho, abs=0.03)
    between_contrasts = np.corrcoef(found[:, 0].ravel(), found[:, 1].ravel())[0, 1]
    assert between_contrasts == pytest.approx(0.5, abs=0.03)


def test_a_noisy_arm_is_noisy() -> None:
    found = np.array([draw.differences(2) for draw in drawn(Correlated(0.2, (1, 1, 1, 2)))])
    sd = found.std(axis=(0, 2, 3)) / RERUN_SD
    assert sd == pytest.approx([sqrt(2), sqrt(2), sqrt(5)], rel=0.05)


@pytest.mark.parametrize("generator", [Correlated(0.2), SUBJECTS])
def test_what_folds_share_is_in_scores_and_not_in_differences(generator: Generator) -> None:
    scores = np.array([draw.scores for draw in drawn(generator)])
    effect = 0.0 if isinstance(generator, Correlated) else RERUN_SD
    expected = sqrt(FOLD_SD**2 + effect**2 + RERUN_SD**2)
    assert scores.std() == pytest.approx(expected, rel=0.03)
    arms = np.corrcoef(scores[:, 0].ravel(), scores[:, 1].ravel())[0, 1]
    assert arms == pytest.approx((FOLD_SD / expected) ** 2, abs=0.04)
    differences = (scores[:, 1:] - scores[:, :1]).std()
    assert differences == pytest.approx(sqrt(2 * (effect**2 + RERUN_SD**2)), rel=0.03)


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
def test_many_repeats_come_to_the_difference_given_the_subjects(generator: Generator) -> None:
    draw = generator.draw(np.random.default_rng(3), 20_000)
    means = draw.differences(20_000).mean(axis=2)
    error = means.std(axis=1) / sqrt(20_000)
    assert np.all(np.abs(means.mean(axis=1) - draw.given) < 4 * error)


@pytest.mark.parametrize("generator", [Correlated(0.2), SUBJECTS, Subjects("u", UNEQUAL)])
def test_over_many_studies_nothing_differs(generator: Generator) -> None:
    draws = drawn(generator)
    for values in (np.array([d.given for d in draws]), np.array([d.differences(2) for d in draws])):
        means = values.reshape(STUDIES, 3, -1).mean(axis=2)
        assert np.all(np.abs(means.mean(axis=0)) < 4 * means.std(axis=0) / sqrt(STUDIES))


def test_each_repeat_parts_all_subjects_into_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.verdict.generators.RERUN_SD", 0.0)
    draw = Subjects("u", UNEQUAL).draw(np.random.default_rng(1), 3)
    totals = (draw.differences(3) * UNEQUAL).sum(axis=2) / sum(UNEQUAL)
    assert totals == pytest.approx(np.tile(draw.given[:, None], 3))
    assert np.ptp(draw.differences(3)[0, :, 0]) > 0


def test_sizes_and_ratios() -> None:
    assert sum(EQUAL) == sum(UNEQUAL) == 38
    assert pytest.approx(7.6) == (DIFFICULTY_SD / FOLD_SD) ** 2
    assert pytest.approx(7.6) == (EFFECT_SD / RERUN_SD) ** 2
    assert SUBJECTS.test_train == pytest.approx((3 * 8 / 30 + 2 * 7 / 31) / 5)
    assert Subjects("u", UNEQUAL).test_train > SUBJECTS.test_train
    assert [generator.judged for generator in GENERATORS] == [True] * 3 + [False] + [True] * 3
