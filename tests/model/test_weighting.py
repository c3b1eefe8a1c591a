"""Every scheme: where it starts, what it computes, which gradients it sends, what it logs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from model.config import TERMS, LossConfig
from model.weighting.base import Weighting
from model.weighting.direct_anchored import DirectAnchored
from model.weighting.mixed import MixedWeighting
from model.weighting.registry import SCHEMES, scheme

CLASSES = (18, 2, 9)
LOSSES = torch.tensor([[2.0, 0.5, 1.5, 0.3]], dtype=torch.float64)


def made(config: LossConfig) -> Weighting:
    return scheme(config.auto_weighting)([config], CLASSES)


def fixed_formula(losses: Tensor, config: LossConfig) -> Tensor:
    """As the plan writes it."""
    fine, binary, nine, kl = losses.unbind(1)
    total = config.alpha * fine + (1 - config.alpha) * binary
    return total + config.nine_class_loss_weight * nine + config.kl_weight * kl


weights = st.floats(0.01, 0.99)
positive = st.just(0.0) | st.floats(0.001, 2.0)  # a start beyond the clamp is another test
loss_values = st.lists(st.floats(0.001, 20), min_size=4, max_size=4)


@given(weights, positive, positive, loss_values)
def test_none_is_the_fixed_formula(
    alpha: float, nine: float, kl: float, values: list[float]
) -> None:
    config = LossConfig(alpha=alpha, nine_class_loss_weight=nine, kl_weight=kl)
    losses = torch.tensor([values], dtype=torch.float64)
    torch.testing.assert_close(made(config)(losses), fixed_formula(losses, config))


def test_none_has_nothing_to_learn() -> None:
    assert list(MixedWeighting([LossConfig()] * 3, CLASSES).parameters()) == []


@given(weights, positive, positive, loss_values)
def test_direct_and_anchored_start_at_the_fixed_formula(
    alpha: float, nine: float, kl: float, values: list[float]
) -> None:
    """The network's gradient is that of the fixed arm; direct's total is, too."""
    fixed = LossConfig(alpha=alpha, nine_class_loss_weight=nine, kl_weight=kl)
    for name in ("direct", "direct_anchored"):
        losses = torch.tensor([values], dtype=torch.float64, requires_grad=True)
        total = made(fixed.model_copy(update={"auto_weighting": name}))(losses)
        expected = fixed_formula(losses, fixed)
        (ours,) = torch.autograd.grad(total.sum(), losses)
        (theirs,) = torch.autograd.grad(expected.sum(), losses)
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
        if name == "direct":
            torch.testing.assert_close(total, expected)


def test_uncertainty_starts_where_it_is_told() -> None:
    zero = made(LossConfig(auto_weighting="uncertainty"))
    assert zero.report()["weight_kl"].item() == 1.0
    shifted = made(LossConfig(auto_weighting="uncertainty", uncertainty_init_value=1.5))
    assert shifted.report()["s_binary"].item() == 1.5
    matched = made(LossConfig(auto_weighting="uncertainty", uncertainty_init_value="matched"))
    found = [matched.report()[f"weight_{term}"].item() for term in TERMS]
    assert found == pytest.approx([0.5, 0.5, 0.2, 0.1])


def test_uncertainty_total_and_gradients() -> None:
    """Kendall et al.: sum of exp(-s) L + s; its gradient in s is 1 - exp(-s) L."""
    weighting = made(LossConfig(auto_weighting="uncertainty", uncertainty_init_value=0.5))
    losses = LOSSES.clone().requires_grad_()
    total = weighting(losses)
    expected = sum(math.exp(-0.5) * value + 0.5 for value in LOSSES[0].tolist())
    assert total.item() == pytest.approx(expected)
    total.sum().backward()
    (s,) = weighting.parameters()
    assert s.grad is not None
    torch.testing.assert_close(s.grad, 1 - math.exp(-0.5) * LOSSES)
    torch.testing.assert_close(losses.grad, torch.full_like(LOSSES, math.exp(-0.5)))


def test_uncertainty_finds_the_log_of_a_constant_loss() -> None:
    weighting = made(LossConfig(auto_weighting="uncertainty"))
    optimizer = torch.optim.AdamW(weighting.parameters(), lr=0.05, weight_decay=0)
    for _ in range(800):
        optimizer.zero_grad()
        weighting(LOSSES).sum().backward()
        optimizer.step()
    (s,) = weighting.parameters()
    torch.testing.assert_close(s.detach(), LOSSES.log(), atol=1e-3, rtol=0)


def test_anchored_finds_its_optimum() -> None:
    """p_i = rho pi_i / (rho + r_i - rbar), with r_i = L_i / log C_i."""
    rho = 0.7
    weighting = made(LossConfig(auto_weighting="direct_anchored", rho=rho))
    assert isinstance(weighting, DirectAnchored)
    optimizer = torch.optim.AdamW(weighting.parameters(), lr=0.02, weight_decay=0)
    for _ in range(1500):
        optimizer.zero_grad()
        weighting(LOSSES).sum().backward()
        optimizer.step()
    r = LOSSES[0, :3] / torch.tensor(CLASSES).log()
    p = weighting.p().detach()[0]
    expected = rho * weighting.pi()[0] / (rho + r - (p * r).sum())
    torch.testing.assert_close(p, expected, atol=1e-4, rtol=0)
    shares = weighting.report()
    total = sum(shares[f"weight_{term}"].item() for term in TERMS[:3])
    assert total == pytest.approx(1.2)


@pytest.mark.parametrize("name", sorted(SCHEMES))
class TestEveryScheme:
    """Laws all schemes keep."""

    def test_terms_without_weight_or_head_have_no_say(self, name: str) -> None:
        for config in (
            LossConfig(auto_weighting=name, kl_weight=0),
            LossConfig(auto_weighting=name, nine_class_head_enabled=False),
        ):
            weighting = made(config)
            spoilt = LOSSES.clone()
            spoilt[0, 3] = torch.nan
            if not config.nine_class_head_enabled:
                spoilt[0, 2] = torch.nan
            assert weighting(spoilt).isfinite().all()
            assert weighting.report()["weight_kl"].isnan().all()

    def test_weight_zero_has_no_logarithm(self, name: str) -> None:
        config = LossConfig(
            auto_weighting=name,
            alpha=1.0,
            nine_class_loss_weight=0,
            kl_weight=0,
            uncertainty_init_value="matched",
        )
        weighting = made(config)
        total = weighting(LOSSES.clone().requires_grad_())
        total.sum().backward()
        assert total.isfinite().all()
        for parameter in weighting.parameters():
            assert parameter.isfinite().all()
            assert parameter.grad is not None
            assert parameter.grad.isfinite().all()

    def test_report_is_detached_and_complete(self, name: str) -> None:
        report = made(LossConfig(auto_weighting=name)).report()
        assert {f"weight_{term}" for term in TERMS} <= report.keys()
        assert not any(values.requires_grad for values in report.values())

    def test_rows_are_independent(self, name: str) -> None:
        """A row's total does not change with the rows beside it."""
        configs = [
            LossConfig(auto_weighting=name, alpha=alpha, uncertainty_init_value=alpha)
            for alpha in (0.2, 0.5, 0.8)
        ]
        losses = torch.rand(3, 4, dtype=torch.float64)
        together = scheme(name)(configs, CLASSES)(losses)
        for i, config in enumerate(configs):
            torch.testing.assert_close(together[i : i + 1], made(config)(losses[i : i + 1]))

    def test_keeping_rows_keeps_their_values(self, name: str) -> None:
        configs = [LossConfig(auto_weighting=name, alpha=alpha) for alpha in (0.2, 0.5, 0.8)]
        weighting = scheme(name)(configs, CLASSES)
        before = weighting(LOSSES.expand(3, 4))
        weighting.keep(torch.tensor([0, 2]))
        torch.testing.assert_close(weighting(LOSSES.expand(2, 4)), before[[0, 2]])


@pytest.mark.parametrize("name", ["uncertainty", "direct"])
def test_clamp_projects_and_lets_come_back(name: str) -> None:
    weighting = made(LossConfig(auto_weighting=name, auto_weight_clamp=(-1, 1)))
    (scalars,) = weighting.parameters()
    with torch.no_grad():
        scalars.fill_(5)
    weighting.project()
    assert scalars.max().item() == 1
    weighting(LOSSES).sum().backward()
    assert scalars.grad is not None
    assert scalars.grad.ne(0).all()  # no gradient is lost at the bound


def test_a_start_beyond_the_clamp_is_brought_inside() -> None:
    config = LossConfig(
        auto_weighting="uncertainty", uncertainty_init_value=4, auto_weight_clamp=(-1, 1)
    )
    assert made(config).report()["s_multiclass"].item() == 1


def test_an_unknown_scheme_is_an_error_and_names_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r"expected one of none, uncertainty.*'uncertanty'"):
        LossConfig(auto_weighting="uncertanty")


def test_plan_defaults() -> None:
    config = LossConfig()
    assert (config.alpha, config.nine_class_loss_weight, config.kl_weight) == (0.5, 0.2, 0.1)
    assert config.nine_class_head_enabled
    assert config.auto_weighting == "none"
    assert config.auto_weight_clamp == (-10, 10)
    assert config.uncertainty_init_value == 0
    assert config.lr_multiplier == 0.1


def test_a_mix_reports_nan_where_a_scheme_has_no_such_value() -> None:
    configs = [LossConfig(), LossConfig(auto_weighting="uncertainty")]
    report = MixedWeighting(configs, CLASSES).report()
    assert report["s_kl"].isnan().tolist() == [True, False]
    assert report["alpha"].isnan().tolist() == [False, True]
