"""Learned weights that stayed where they were, or collapsed."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.config import TERMS, LossConfig, Term
from study.report.weights import is_collapsed, is_unmoved, moves, shares, starting_weights

BOUNDS = (-10.0, 10.0)
START = starting_weights(LossConfig(auto_weighting="direct"))


def epoch(
    weights: dict[str, float | None] | None = None,
    losses: dict[str, float | None] | None = None,
    **others: float | None,
) -> dict[str, float | None]:
    """Last epoch of a fold: the baseline's weights and equal losses unless told otherwise."""
    values: dict[str, float | None] = dict.fromkeys([*(f"s_{t}" for t in TERMS), "alpha"])
    values |= {f"weight_{term}": START[term] for term in TERMS}
    values |= {f"val_{term}": 1.0 for term in TERMS}
    values |= {f"weight_{term}": weight for term, weight in (weights or {}).items()}
    values |= {f"val_{term}": loss for term, loss in (losses or {}).items()}
    return values | others


def test_fixed_values_are_where_direct_weights_start() -> None:
    assert START == {"multiclass": 0.5, "binary": 0.5, "nine_class": 0.2, "kl": 0.1}


def test_uncertainty_starts_at_its_initial_value_with_every_head() -> None:
    loss = LossConfig(auto_weighting="uncertainty", nine_class_loss_weight=0, kl_weight=0)
    assert starting_weights(loss) == dict.fromkeys(("multiclass", "binary", "nine_class"), 1.0)


def test_matched_uncertainty_starts_at_the_fixed_weights_without_zeros() -> None:
    loss = LossConfig(auto_weighting="uncertainty", uncertainty_init_value="matched", kl_weight=0)
    assert starting_weights(loss) == {"multiclass": 0.5, "binary": 0.5, "nine_class": 0.2}


@given(st.floats(-0.3, 0.3), st.sampled_from(TERMS))
def test_unmoved_below_a_tenth_in_the_logarithm(step: float, term: Term) -> None:
    assume(not math.isclose(abs(step), 0.1))
    moved = epoch({term: START[term] * math.exp(step)})
    assert is_unmoved(START, [moved, moved]) == (abs(step) < 0.1)


def test_folds_that_moved_apart_are_averaged_in_the_logarithm() -> None:
    up, down = (epoch({"binary": 0.5 * math.exp(step)}) for step in (0.5, -0.45))
    assert not is_unmoved(START, [up, up])
    assert is_unmoved(START, [up, down])


def test_a_weight_that_is_gone_has_moved() -> None:
    assert not is_unmoved(START, [epoch({"kl": None})])
    assert not is_unmoved(START, [epoch({"kl": 0.0})])


def test_a_trial_without_epochs_is_neither() -> None:
    assert not is_unmoved(START, [])
    assert not is_collapsed(START, [], BOUNDS, None)


def test_baseline_has_not_collapsed() -> None:
    assert not is_collapsed(START, [epoch()], BOUNDS, shares([epoch()]))


def test_weight_that_is_not_finite_has_collapsed() -> None:
    assert is_collapsed(START, [epoch(), epoch({"nine_class": None})], BOUNDS, None)


@pytest.mark.parametrize(
    ("values", "collapsed"),
    [
        ({"s_binary": 10.0}, True),
        ({"s_binary": -10.0}, True),
        ({"s_binary": 9.999}, False),
        ({"alpha": 1 / (1 + math.exp(10))}, True),
        ({"alpha": 1 - 1 / (1 + math.exp(10))}, True),
        ({"alpha": 0.9995}, False),
        ({"alpha": 0.5, "weight_kl": math.exp(-10)}, True),
        ({"alpha": 0.5, "weight_kl": math.exp(-9.9)}, False),
    ],
)
def test_scalar_at_its_bound_has_collapsed(values: dict[str, float], collapsed: bool) -> None:
    assert is_collapsed(START, [epoch() | values], BOUNDS, None) is collapsed


def test_lost_share_needs_both_conditions() -> None:
    faint = epoch({"binary": 0.004})
    assert shares([faint])["binary"] < 0.01
    assert is_collapsed(START, [faint], BOUNDS, shares([epoch()]))
    assert not is_collapsed(START, [faint], BOUNDS, None), "no baseline to compare it with"
    as_faint: dict[Term, float] = {"binary": 0.02}
    assert not is_collapsed(START, [faint], BOUNDS, as_faint), "the fixed run has little more"


def test_kl_must_not_have_more_than_half() -> None:
    assert not is_collapsed(START, [epoch({"kl": 1.1})], BOUNDS, None)
    assert is_collapsed(START, [epoch({"kl": 1.3})], BOUNDS, None)


@given(
    st.lists(
        st.tuples(*[st.floats(1e-3, 1e3)] * 4, *[st.floats(1e-3, 1e3)] * 4), min_size=1, max_size=5
    )
)
def test_shares_sum_to_one(folds: list[tuple[float, ...]]) -> None:
    last = [
        epoch(dict(zip(TERMS, fold[:4], strict=True)), dict(zip(TERMS, fold[4:], strict=True)))
        for fold in folds
    ]
    assert sum(shares(last).values()) == pytest.approx(1)


def test_shares_leave_out_terms_not_in_use() -> None:
    last = [epoch({"kl": None, "nine_class": None}, {"kl": None, "nine_class": None})]
    assert shares(last) == {"multiclass": 0.5, "binary": 0.5}


def test_moves_are_from_the_first_step_to_the_mean_over_folds() -> None:
    found = moves(START, [epoch({"kl": 0.3}), epoch({"kl": 0.5})])
    assert found["kl"] == pytest.approx((0.1, 0.4))
    assert found["binary"] == (0.5, 0.5)


def test_moves_of_a_weight_that_is_gone_are_not_told() -> None:
    assert moves(START, [epoch(), epoch({"kl": None})]) == {}
    assert moves(START, []) == {}
