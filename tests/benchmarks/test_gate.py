"""The checks before every measurement: they hold, and they see what is broken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import differences, gate
from benchmarks.gate import Check, same_batches, same_in_company, same_network, same_score
from benchmarks.made_up import made_up, recipe
from benchmarks.plain import network as plain
from benchmarks.plain import weights
from benchmarks.plain.data import scaling_of
from model.fit import FitContext, OnEpoch, fit
from model.hierarchy import Hierarchy
from model.module import StackModule
from model.network.squeezeformer import Squeezeformer
from model.outcomes import Outcome, TrialSpec
from model.score import Scores, scores


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def broken(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.holds]


def test_every_check_holds_and_is_told() -> None:
    told: list[str] = []
    checks = gate.gate(told.append)
    assert len(checks) == len(told) == 8 + torch.cuda.is_available()
    assert broken(checks) == []
    assert all(line.startswith("ok ") for line in told)


def test_other_weights_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = weights.copy

    def perturbed(stack: Squeezeformer, flat: Tensor, single: plain.PlainSqueezeformer) -> None:
        copy(stack, flat + 1e-6, single)

    monkeypatch.setattr(weights, "copy", perturbed)
    checks = list(same_network())
    assert len(broken(checks)) == 2
    assert checks[2].holds  # more padding changes nothing, whatever the weights


def test_padding_that_leaks_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = plain.mean_and_sd
    monkeypatch.setattr(plain, "mean_and_sd", lambda x, mask: honest(x, torch.ones_like(mask)))
    assert len(broken(list(same_network()))) == 3


def test_another_scaling_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "scaling_of", lambda *given: (scaling_of(*given)[0] * 1.01, 1.0))
    assert len(broken(list(same_batches()))) == 1


def test_another_score_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(counts: Tensor, hierarchy: Hierarchy) -> Scores:
        found = scores(counts, hierarchy)
        return replace(found, score=found.score + 1e-9)

    monkeypatch.setattr(gate, "scores", generous)
    assert len(broken(list(same_score()))) == 1


def test_trials_that_depend_on_their_company_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def swayed(
        context: FitContext, trials: Sequence[TrialSpec], on_epoch: OnEpoch
    ) -> list[Outcome]:
        smoothing = {"label_smoothing": 0.01 * len(trials)}
        losses = [trial.loss.model_copy(update=smoothing) for trial in trials]
        changed = [replace(t, loss=loss) for t, loss in zip(trials, losses, strict=True)]
        return fit(context, changed, on_epoch)

    monkeypatch.setattr(differences, "fit", swayed)
    alone, _, failing = same_in_company()
    assert not alone.holds
    assert not failing.holds


def test_trials_that_leave_a_trace_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    keep = StackModule.keep

    def disturbed(self: StackModule, kept: Tensor) -> list[int]:
        left = keep(self, kept)
        self.flat.data += 1e-3
        return left

    monkeypatch.setattr(StackModule, "keep", disturbed)
    alone, dropped, failing = same_in_company()
    assert alone.holds
    assert not dropped.holds
    assert not failing.holds


def test_layers_without_a_counterpart_are_named() -> None:
    context = FitContext(made_up(), recipe(dropout=0.0))
    deeper = context.settings.network.model_copy(update={"stride": 1})
    single = plain.PlainSqueezeformer(deeper, 4, 5, 4)
    single.extra = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"without a counterpart: extra\.weight, extra\.bias"):
        weights.pairs(context.network, single)


def test_apart() -> None:
    one = torch.tensor([1.0, math.nan, 3.0])
    assert differences.apart(one, one) == 0
    assert differences.apart(one, torch.tensor([1.0, math.nan, 2.5])) == 0.5
    assert differences.apart(one, torch.tensor([1.0, 2.0, 3.0])) == math.inf
    assert differences.apart(one, one[:2]) == math.inf


def test_histories_of_other_lengths_or_metrics_are_infinitely_apart() -> None:
    epoch = {"score": np.array([0.5])}
    assert differences.history_apart([epoch], [epoch]) == 0
    assert differences.history_apart([epoch], [epoch, epoch]) == math.inf
    assert differences.history_apart([epoch], [{"alpha": np.array([0.5])}]) == math.inf


def test_a_difference_that_is_no_number_does_not_hold() -> None:
    assert not Check("x", math.nan, 1.0).holds
    assert str(Check("x", math.nan, 1.0)).startswith("BROKEN")
