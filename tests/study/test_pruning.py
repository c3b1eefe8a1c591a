"""Who is pruned: laws of the rule, and of what it is asked about."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, permutations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from storage.rows import CellRef, Claim
from study.config import StudyConfig
from study.plan import plan
from study.pruning import Pruner, lags
from study.trial import Trial

JUDGED = 3
"""Epoch in which trials are judged."""
CONFIG = StudyConfig.model_validate(
    {
        "arms": ["fixed", "uncertainty", "direct_anchored"],
        "grid": {"fixed": {"alpha": [0.3, 0.5, 0.7], "nine_class_weight": [0.2]}},
        "training": {"epochs": 8},
        "pruning": {"pruner": "within_arm", "min_trials": 2},
    }
)
CELLS = [CellRef(c.hash, c.arm, c.repeat, c.params) for c in plan(CONFIG)]
DECLARED = CELLS[:3]
SCORES = st.lists(st.integers(0, 40), min_size=len(CELLS), max_size=len(CELLS))
QUANTILES = st.floats(0.05, 0.95)

Scores = Mapping[str, float]


def trial(cell: CellRef, score: float, epoch: int = JUDGED) -> Trial:
    made = Trial(Claim(CELLS.index(cell) if cell in CELLS else 99, cell, 1))
    made.epoch, made.value = epoch, float(score)
    return made


def pruner(config: StudyConfig = CONFIG, recorded: Scores | None = None) -> Pruner:
    """One for whom the database holds these scores, the same in both folds."""
    known = recorded or {}
    return Pruner(
        config, CELLS, lambda cells, _: {c: [known[c], known[c]] for c in cells if c in known}
    )


def judged(judge: Pruner, trials: Iterable[Trial]) -> frozenset[str]:
    return judge.drops(judge.due(trials))


def pruned(scores: Sequence[float], jobs: Sequence[int] = (1,) * len(CELLS)) -> set[str]:
    """Cells that are pruned when they are judged in the order of the plan, job by job."""
    judge, left, found = pruner(), [*zip(CELLS, scores, strict=True)], set()
    for size in jobs:
        job = {t.key: t for t in (trial(cell, score) for cell, score in left[:size])}
        found |= {job[key].cell.hash for key in judged(judge, job.values())}
        left = left[size:]
    assert not left
    return found


def of_arm(arm: str) -> list[CellRef]:
    return [cell for cell in CELLS if cell.arm == arm]


@given(st.lists(st.integers(), max_size=8), QUANTILES)
def test_the_best_so_far_goes_on(others: list[int], quantile: float) -> None:
    assert not lags(max(others, default=0), others, quantile)


@given(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=8), QUANTILES, st.data())
def test_ranks_alone_decide(
    score: int, others: list[int], quantile: float, data: st.DataObject
) -> None:
    expected = lags(score, others, quantile)
    shuffled = data.draw(st.permutations(others))
    assert lags(score, shuffled, quantile) == expected
    rising: list[Callable[[int], float]] = [lambda s: s - 3, lambda s: 7 * s, lambda s: s**3]
    for scale in rising:
        assert lags(scale(score), [scale(other) for other in others], quantile) == expected


@given(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=8), QUANTILES)
def test_a_higher_score_is_never_the_worse_for_it(
    score: int, others: list[int], quantile: float
) -> None:
    assert lags(score, others, quantile) or not lags(score + 1, others, quantile)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.7])
@pytest.mark.parametrize("count", range(1, 7))
def test_every_arm_loses_the_same_share_whatever_its_scores(count: int, quantile: float) -> None:
    orders = [*permutations(range(count))]
    out = sum(lags(order[-1], order[:-1], quantile) for order in orders)
    assert out * count == math.floor(quantile * count) * len(orders)


@given(st.integers(0, 99), st.lists(st.integers(0, 99), min_size=1, max_size=9, unique=True))
def test_no_more_is_pruned_than_by_optuna_among_trials_that_all_ran_to_their_end(
    score: int, others: list[int]
) -> None:
    study = optuna.create_study(direction="maximize")
    done = [
        create_trial(value=0.0, intermediate_values={JUDGED: other}, state=TrialState.COMPLETE)
        for other in others
    ]
    study.add_trials(done)
    asked = create_trial(intermediate_values={JUDGED: score}, state=TrialState.RUNNING)
    median = optuna.pruners.MedianPruner(n_startup_trials=0).prune(study, asked)
    ours = lags(score, others, 0.5)
    assert ours == median or (median and len(others) % 2 == 0)  # medians between two scores


@given(SCORES)
def test_neither_declared_cells_nor_the_best_of_an_arm_are_pruned(scores: list[int]) -> None:
    found = pruned(scores)
    assert found.isdisjoint(cell.hash for cell in DECLARED)
    for arm in CONFIG.arms:
        own = [(s, c.hash) for c, s in zip(CELLS, scores, strict=True) if c.arm == arm]
        assert max(own)[1] not in found


@given(SCORES, st.sampled_from(CONFIG.arms), st.integers(-99, 99))
def test_how_an_arm_scores_beside_others_changes_nothing(
    scores: list[int], arm: str, shift: int
) -> None:
    moved = [s + shift * (cell.arm == arm) for cell, s in zip(CELLS, scores, strict=True)]
    assert pruned(moved) == pruned(scores)


@given(SCORES, st.lists(st.integers(0, 40), min_size=3, max_size=3))
def test_declared_cells_have_no_say(scores: list[int], declared: list[int]) -> None:
    assert pruned([*declared, *scores[3:]]) == pruned(scores)


@given(SCORES, st.integers(0, len(CELLS)))
def test_cells_that_come_later_have_no_say(scores: list[int], kept: int) -> None:
    before = {cell.hash for cell in CELLS[:kept]}
    other = [s if i < kept else 40 - s for i, s in enumerate(scores)]
    assert pruned(scores) & before == pruned(other) & before


@given(SCORES, st.data())
def test_the_size_of_stacks_changes_nothing(scores: list[int], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(CELLS) - 1)))
    ends = [0, *sorted(cuts), len(CELLS)]
    jobs = [b - a for a, b in pairwise(ends)]
    assert pruned(scores, jobs) == pruned(scores)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_within_a_job_changes_nothing(scores: list[int], random: object) -> None:
    trials = [trial(cell, score) for cell, score in zip(CELLS, scores, strict=True)]
    keys = judged(pruner(), trials)
    random.shuffle(trials)  # type: ignore[attr-defined]  # hypothesis does not name its type
    assert judged(pruner(), trials) == keys


@given(SCORES, st.integers(1, len(CELLS)))
def test_what_others_have_recorded_counts_as_what_was_seen(scores: list[int], cut: int) -> None:
    recorded = {c.hash: float(s) for c, s in zip(CELLS[:cut], scores[:cut], strict=True)}
    later = [trial(cell, s) for cell, s in zip(CELLS[cut:], scores[cut:], strict=True)]
    keys = judged(pruner(recorded=recorded), later)
    cells_after = {cell.hash for cell in CELLS[cut:]}
    assert {t.cell.hash for t in later if t.key in keys} == pruned(scores) & cells_after


@given(SCORES)
def test_tried_again_a_cell_is_judged_as_before(scores: list[int]) -> None:
    judge = pruner()
    trials = [trial(cell, score) for cell, score in zip(CELLS, scores, strict=True)]
    assert judged(judge, trials) == judged(judge, trials[5:]) | judged(judge, trials[:5])


def test_a_trial_is_judged_in_one_epoch_only_and_among_enough_others() -> None:
    worse = [trial(cell, -place) for place, cell in enumerate(of_arm("uncertainty"))]
    judge = pruner()
    for epoch in (*range(JUDGED), JUDGED + 1):
        for each in worse:
            each.epoch = epoch
        assert judged(judge, worse) == frozenset()
    for each in worse:
        each.epoch = JUDGED
    assert judged(judge, worse) == {each.key for each in worse[3:]}, "declared, then 2 to be among"


def test_repeats_and_declared_cells_are_let_pass() -> None:
    first, *searched = of_arm("fixed")
    again = [CellRef(f"again {i}", "fixed", 1, cell.params) for i, cell in enumerate(searched)]
    recorded = {cell.hash: [1.0] for cell in searched}
    judge = Pruner(
        CONFIG, [*CELLS, *again], lambda cells, _: {c: recorded[c] for c in cells if c in recorded}
    )
    assert judged(judge, [trial(cell, 0.0) for cell in (first, *again)]) == frozenset()
    assert judged(judge, [trial(searched[-1], 0.0)])


def test_a_score_that_is_no_number_is_let_pass_and_not_ranked_among() -> None:
    scores = (1, 1, math.nan, math.nan, 0)
    cells = of_arm("uncertainty")[1:]
    trials = [trial(cell, score) for cell, score in zip(cells, scores, strict=False)]
    assert judged(pruner(), trials) == {trials[-1].key}, "two of three are better"


def test_without_a_pruner_nothing_is_asked_or_pruned() -> None:
    def recorded(cells: object, epoch: int) -> dict[str, list[float]]:
        raise AssertionError

    judge = Pruner(StudyConfig(), CELLS, recorded)
    for epoch in range(30):
        assert judged(judge, [trial(c, -i, epoch) for i, c in enumerate(CELLS)]) == frozenset()
