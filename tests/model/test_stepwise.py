"""Weights set anew at every step: against torchjd, formulas by hand, and what streams draw."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchjd.scalarization import DWA
from torchjd.scalarization import Random as JdRandom

from model.config import TERMS, LossConfig
from model.data.sequences import SequenceSet
from model.fit import FitContext
from model.outcomes import TrialSpec
from model.weighting.registry import scheme
from model.weighting.stepwise import StepwiseWeighting
from tests.model.conftest import settings
from tests.model.test_stack import ARMS, train

CLASSES = (18, 2, 9)
NAMES = ("random", "dwa", "uw_so")
USES: dict[int, dict[str, object]] = {
    4: {},
    3: {"kl_weight": 0.0},
    2: {"nine_class_head_enabled": False},
}
"""Settings by the number of terms they leave in use, the first ones of TERMS."""

one_loss = st.floats(0.01, 20)
four_losses = st.lists(one_loss, min_size=4, max_size=4)


def made(name: str, **given: object) -> StepwiseWeighting:
    config = LossConfig.model_validate({"auto_weighting": name, **given})
    weighting = scheme(name)([config], CLASSES)
    assert isinstance(weighting, StepwiseWeighting)
    return weighting


def row(values: Sequence[float]) -> Tensor:
    return torch.tensor([list(values)], dtype=torch.float64)


def stepped(weighting: StepwiseWeighting, losses: Tensor, draws: Tensor | None = None) -> Tensor:
    weighting.step(losses, draws)
    total: Tensor = weighting(losses)
    return total


@pytest.mark.parametrize("terms", USES)
@given(seed=st.integers(0, 2**32), values=four_losses)
def test_random_is_torchjds_for_the_same_draws(terms: int, seed: int, values: list[float]) -> None:
    torch.manual_seed(seed)
    expected = JdRandom()(row(values)[0, :terms])
    draws = torch.full((1, 4), 99.0, dtype=torch.float64)  # those of other terms have no say
    draws[0, :terms] = torch.randn(
        terms, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    total = stepped(made("random", **USES[terms]), row(values), draws)
    torch.testing.assert_close(total[0], expected)


@pytest.mark.parametrize("terms", USES)
@given(
    temperature=st.floats(0.1, 10),
    epochs=st.lists(st.lists(four_losses, min_size=1, max_size=3), min_size=1, max_size=5),
)
def test_dwa_is_torchjds_for_the_same_epochs(
    terms: int, temperature: float, epochs: list[list[list[float]]]
) -> None:
    weighting = made("dwa", temperature=temperature, **USES[terms])
    theirs = DWA(temperature)
    for epoch in epochs:
        for values in epoch:
            expected = theirs(row(values)[0, :terms])
            torch.testing.assert_close(stepped(weighting, row(values))[0], expected)
        theirs.step()
        weighting.end_epoch()


def test_dwa_by_hand() -> None:
    """Weights 1 for two epochs, then 4 softmax((L of the last) / (L before) / T)."""
    weighting = made("dwa")
    epochs = [row([4, 2, 2, 1]), row([2, 2, 1, 0.25]), row([9, 9, 9, 9])]
    for losses in epochs[:2]:
        weighting.step(losses, None)
        assert weighting.weights().tolist() == [[1, 1, 1, 1]]
        weighting.end_epoch()
        assert weighting.weights().tolist() == [[1, 1, 1, 1]], "of the epoch that ended"
    weighting.step(epochs[2], None)
    powers = [math.exp(ratio / 2) for ratio in (0.5, 1.0, 0.5, 0.25)]
    assert weighting.weights()[0].tolist() == pytest.approx([4 * p / sum(powers) for p in powers])


@pytest.mark.parametrize("terms", USES)
@given(values=four_losses, temperature=st.floats(1, 10) | st.none())
def test_uw_so_is_the_papers_formula(
    terms: int, values: list[float], temperature: float | None
) -> None:
    weighting = made("uw_so", temperature=temperature, **USES[terms])
    losses = row(values).requires_grad_()
    total = stepped(weighting, losses)
    powers = [math.exp(1 / loss / (temperature or 1.0)) for loss in values[:terms]]
    expected = [power / sum(powers) for power in powers]
    assert weighting.weights()[0, :terms].tolist() == pytest.approx(expected)
    (gradient,) = torch.autograd.grad(total.sum(), losses)
    assert gradient[0].tolist() == pytest.approx(expected + [0.0] * (4 - terms)), "w is constant"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kl", [0.0, -1e-9, 1e-12])
def test_a_loss_that_rounds_to_nothing_leaves_weights_finite(name: str, kl: float) -> None:
    weighting = made(name)
    for _ in range(3):
        weighting.step(row([2, 1, 1, kl]), torch.zeros(1, 4, dtype=torch.float64))
        weights = weighting.weights()[0]
        assert weights.isfinite().all()
        assert weights.sum().item() == pytest.approx(4 if name == "dwa" else 1)
        weighting.end_epoch()


@pytest.mark.parametrize("name", NAMES)
def test_after_an_epoch_weights_are_its_means(name: str) -> None:
    weighting = made(name)
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        seen = []
        for _ in range(5):
            losses = torch.rand(1, 4, dtype=torch.float64, generator=generator) + 0.1
            weighting.step(losses, torch.randn(1, 4, dtype=torch.float64, generator=generator))
            seen.append(weighting.weights())
        weighting.end_epoch()
        mean = torch.stack(seen).mean(0)
        torch.testing.assert_close(weighting.weights(), mean)
        torch.testing.assert_close(
            torch.stack([weighting.report()[f"weight_{term}"] for term in TERMS], 1), mean
        )
        weighting.end_epoch()  # an epoch without a step changes nothing
        torch.testing.assert_close(weighting.weights(), mean)


@pytest.mark.parametrize("name", NAMES)
def test_rows_go_on_alone_with_what_they_remember(name: str) -> None:
    """Rows dropped between epochs, and rows of their own: the weights are the same."""
    configs = [LossConfig(auto_weighting=name, kl_weight=kl) for kl in (0.1, 0.0, 0.1)]
    whole, cut = (scheme(name)(configs, CLASSES) for _ in range(2))
    alone = scheme(name)(configs[2:], CLASSES)
    rows = torch.tensor([0, 1, 2])
    for epoch in range(5):
        for step in range(3):
            generator = torch.Generator().manual_seed(10 * epoch + step)
            losses = torch.rand(3, 4, dtype=torch.float64, generator=generator) + 0.1
            draws = torch.randn(3, 4, dtype=torch.float64, generator=generator)
            whole.step(losses, draws)
            cut.step(losses[rows], draws[rows])
            alone.step(losses[2:], draws[2:])
        for weighting in (whole, cut, alone):
            weighting.end_epoch()
        torch.testing.assert_close(cut.weights(), whole.weights()[rows])
        torch.testing.assert_close(alone.weights(), whole.weights()[2:])
        if epoch in (1, 2):
            kept = torch.tensor([0, 2] if epoch == 1 else [1])
            cut.keep(kept)
            rows = rows[kept]
    assert rows.tolist() == [2]


def test_random_needs_draws() -> None:
    with pytest.raises(ValueError, match=r"expected draws \[S, 4\] in the batch, found none"):
        made("random").step(row([1, 1, 1, 1]), None)


def test_dwa_in_a_stack_follows_its_training_losses(sequences: SequenceSet) -> None:
    """From the losses that are reported, in a mix of arms and with trials dropped."""
    context = FitContext(sequences, settings(epochs=5))
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
    place = next(i for i, loss in enumerate(ARMS) if loss.auto_weighting == "dwa")
    histories, _ = train(context, trials, drop={1: ("0", "3"), 2: ("1", str(place - 1))})
    found = histories[str(place)]
    losses, weights = (
        np.array([[epoch[f"{prefix}_{term}"] for term in TERMS] for epoch in found])
        for prefix in ("train", "weight")
    )
    assert (weights[:2] == 1).all()
    for epoch in range(2, 5):
        powers = np.exp(losses[epoch - 1] / losses[epoch - 2] / ARMS[place].temperature)
        np.testing.assert_allclose(weights[epoch], 4 * powers / powers.sum(0), rtol=1e-9)
    assert np.abs(weights[2:] - 1).max() > 0.01


def test_random_in_a_stack_goes_by_what_its_streams_draw(context: FitContext) -> None:
    trials = [
        TrialSpec("fixed", LossConfig()),
        TrialSpec("a", LossConfig(auto_weighting="random"), repeat=1),
        TrialSpec("b", LossConfig(auto_weighting="random", alpha=0.3), repeat=1),
    ]
    histories, _ = train(context, trials)
    for epoch in range(context.settings.training.epochs):
        drawn = [s.draws(epoch, context.plan.steps) for s in context.streams.of_repeat(1)]
        expected = torch.tensor(np.stack(drawn)).softmax(-1).mean(1).T
        for key in ("a", "b"):
            found = [histories[key][epoch][f"weight_{term}"] for term in TERMS]
            np.testing.assert_allclose(found, expected, rtol=1e-9)
