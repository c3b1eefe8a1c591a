"""A stack is its replicas side by side, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.config import LossConfig
from model.data.batches import StackBatch, TrainBatches
from model.data.sequences import SequenceSet
from model.errors import DeviceError
from model.fit import FitContext, Stack, fit
from model.network import lean
from model.outcomes import EpochReport, Outcome, TrialDropped, TrialFailure, TrialResult, TrialSpec
from model.weighting.registry import SCHEMES
from tests.model.conftest import settings

ARMS = [
    LossConfig(),
    LossConfig(alpha=0.7, nine_class_loss_weight=0.0, kl_weight=0.05),
    LossConfig(auto_weighting="uncertainty", lr_multiplier=10),
    LossConfig(auto_weighting="uncertainty", uncertainty_init_value="matched", lr_multiplier=1),
    LossConfig(auto_weighting="direct", lr_multiplier=10),
    LossConfig(auto_weighting="direct_anchored", rho=0.3, lr_multiplier=10),
    LossConfig(auto_weighting="equal"),
    LossConfig(auto_weighting="random"),
    LossConfig(auto_weighting="dwa", temperature=0.5),
    LossConfig(auto_weighting="uw_so", temperature=5),
]

Histories = dict[str, list[dict[str, NDArray[np.float64]]]]


def train(
    context: FitContext, trials: Sequence[TrialSpec], drop: dict[int, Collection[str]] | None = None
) -> tuple[Histories, dict[str, Outcome]]:
    """Every trial's metrics by epoch, and what became of it."""
    histories: Histories = {trial.key: [] for trial in trials}

    def on_epoch(reports: Sequence[EpochReport]) -> Collection[str]:
        for report in reports:
            histories[report.key].append(dict(report.metrics))
        return (drop or {}).get(reports[0].epoch, ()) if reports else ()

    outcomes = fit(context, trials, on_epoch)
    return histories, {outcome.key: outcome for outcome in outcomes}


def assert_same(
    one: list[dict[str, NDArray[np.float64]]], other: list[dict[str, NDArray[np.float64]]]
) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_allclose(a[name], b[name], atol=1e-7, rtol=0, err_msg=name)


def trained_flat(context: FitContext, trials: Sequence[TrialSpec]) -> torch.Tensor:
    """[R, P] parameters after training."""
    found: list[torch.Tensor] = []
    original = Stack.on_train_epoch_end

    def spy(self: Stack, *args: object) -> None:
        found[:] = [self.module.flat.detach().clone()]
        original(self, *args)  # type: ignore[arg-type]  # handed on as they came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stack, "on_train_epoch_end", spy)
        fit(context, trials)
    return found[0]


@pytest.mark.parametrize("loss", ARMS, ids=lambda loss: loss.auto_weighting)
def test_a_trial_does_not_depend_on_its_company(context: FitContext, loss: LossConfig) -> None:
    """20 steps and more in fp64, dropout on: alone, and in a mix of all arms."""
    assert context.plan.steps * context.settings.training.epochs >= 8
    alone, _ = train(context, [TrialSpec("x", loss)])
    company = [TrialSpec(str(i), other) for i, other in enumerate(ARMS)]
    mixed, _ = train(context, [*company[:3], TrialSpec("x", loss), *company[3:]])
    assert_same(mixed["x"], alone["x"])


def test_every_scheme_is_among_the_arms_tested() -> None:
    assert {loss.auto_weighting for loss in ARMS} == set(SCHEMES)


def test_parameters_of_a_stack_equal_those_of_separate_runs(sequences: SequenceSet) -> None:
    context = FitContext(sequences, settings(epochs=5))
    assert context.plan.steps * 5 >= 20
    together = trained_flat(context, [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)])
    for i, loss in enumerate(ARMS):
        alone = trained_flat(context, [TrialSpec("x", loss)])
        torch.testing.assert_close(together[2 * i : 2 * i + 2], alone, atol=1e-7, rtol=0)


def test_repeats_may_share_a_stack(context: FitContext) -> None:
    first, second = TrialSpec("a", ARMS[0], repeat=0), TrialSpec("b", ARMS[0], repeat=1)
    together, _ = train(context, [first, second])
    assert_same(together["a"], train(context, [first])[0]["a"])
    assert_same(together["b"], train(context, [second])[0]["b"])
    assert not np.array_equal(together["a"][0]["val_total"], together["b"][0]["val_total"])


def test_the_same_seed_gives_the_same_numbers(context: FitContext) -> None:
    trials = [TrialSpec("a", ARMS[2]), TrialSpec("b", ARMS[4])]
    one, other = train(context, trials)[0], train(context, trials)[0]
    for key in one:
        for a, b in zip(one[key], other[key], strict=True):
            for name in a:
                np.testing.assert_array_equal(a[name], b[name])


def test_a_dropped_trial_leaves_the_others_as_they_were(sequences: SequenceSet) -> None:
    context = FitContext(sequences, settings(epochs=4))
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
    whole, _ = train(context, trials)
    fewer, outcomes = train(context, trials, drop={0: ("0", "5"), 1: ("2",)})
    assert {k for k, o in outcomes.items() if isinstance(o, TrialDropped)} == {"0", "2", "5"}
    assert len(fewer["0"]) == 1
    assert len(fewer["2"]) == 2
    for key in ("1", "3", "4", "6"):
        assert_same(fewer[key], whole[key])
        assert isinstance(outcomes[key], TrialResult)


def test_dropping_everything_ends_the_training(context: FitContext) -> None:
    histories, outcomes = train(context, [TrialSpec("a", ARMS[0])], drop={0: ("a",)})
    assert len(histories["a"]) == 1
    assert isinstance(outcomes["a"], TrialDropped)


def poison(gradient: torch.Tensor, row: int) -> torch.Tensor:
    """Spoil one row while all three trials are there."""
    spoilt = gradient.clone()
    if len(gradient) == 6:
        spoilt[row, 0] = torch.nan
    return spoilt


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_replica_that_blows_up_fails_alone(
    context: FitContext, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [TrialSpec("good", ARMS[2]), TrialSpec("bad", ARMS[0]), TrialSpec("fine", ARMS[4])]
    expected, _ = train(context, [trials[0], trials[2]])
    init = Stack.__init__

    def poisoned(self: Stack, *args: object) -> None:
        init(self, *args)  # type: ignore[arg-type]  # handed on as they came
        row = 3  # the second fold of the second trial
        with torch.no_grad():
            if what == "loss":
                self.module.flat[row] = torch.nan
        if what == "gradient":
            self.module.flat.register_hook(lambda gradient: poison(gradient, row))

    monkeypatch.setattr(Stack, "__init__", poisoned)
    histories, outcomes = train(context, trials)
    failure = outcomes["bad"]
    assert isinstance(failure, TrialFailure)
    assert (failure.cause, failure.epoch, failure.fold) == ("non_finite_loss", 0, 1)
    assert failure.term == ("multiclass" if what == "loss" else "gradient")
    assert histories["bad"] == []
    for key in ("good", "fine"):
        assert isinstance(outcomes[key], TrialResult)
        assert_same(histories[key], expected[key])


def test_outcome_holds_last_epoch_best_epoch_and_predictions(
    context: FitContext, sequences: SequenceSet
) -> None:
    histories, outcomes = train(context, [TrialSpec("a", ARMS[0])])
    result = outcomes["a"]
    assert isinstance(result, TrialResult)
    scores = np.array([epoch["score"] for epoch in histories["a"]])
    assert [fold.score for fold in result.folds] == scores[-1].tolist()
    assert [fold.best_score for fold in result.folds] == scores.max(0).tolist()
    assert [fold.best_epoch for fold in result.folds] == scores.argmax(0).tolist()
    tested = [i for fold in result.folds for i in fold.sequence_ids]
    assert sorted(tested) == sorted(sequences.sequence_id.tolist())
    for fold in result.folds:
        assert len(fold.predicted) == len(fold.sequence_ids)
        assert fold.predicted.max() < len(sequences.hierarchy.fine)


def test_bf16_autocast_stays_near_fp32(sequences: SequenceSet) -> None:
    """The path CUDA takes by default, as far as a CPU can: losses and weights stay wide."""
    trials = [TrialSpec("a", ARMS[2])]
    narrow, _ = train(FitContext(sequences, settings(precision="bf16")), trials)
    wide, _ = train(FitContext(sequences, settings(precision="fp32")), trials)
    for a, b in zip(narrow["a"], wide["a"], strict=True):
        np.testing.assert_allclose(a["val_total"], b["val_total"], rtol=0.02)
        assert not np.array_equal(a["val_total"], b["val_total"])


def test_the_kernels_other_devices_use_give_the_same(
    sequences: SequenceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a GPU computes by torch's own kernels, run on the CPU."""
    trials = [TrialSpec(str(i), loss) for i, loss in enumerate(ARMS)]
    usual, _ = train(FitContext(sequences, settings()), trials)
    monkeypatch.setattr(lean, "serves", lambda _: False)
    elsewhere, _ = train(FitContext(sequences, settings()), trials)
    for key in usual:
        assert_same(elsewhere[key], usual[key])


def test_streams_that_no_trial_uses_are_gathered_no_longer(sequences: SequenceSet) -> None:
    """The trials of a repeat are dropped: those of the other go on alone, and unchanged."""
    context = FitContext(sequences, settings(epochs=3))
    trials = [TrialSpec("a", ARMS[0], repeat=1), TrialSpec("b", ARMS[2], repeat=0)]
    served: list[int] = []
    original = TrainBatches.__iter__

    def spy(self: TrainBatches) -> Iterator[StackBatch]:
        for batch in original(self):
            served.append(len(batch.x))
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainBatches, "__iter__", spy)
        histories, _ = train(context, trials, drop={0: ["a"]})
    steps = context.plan.steps
    assert served == [4] * steps + [2] * 2 * steps
    assert_same(histories["b"], train(context, [trials[1]])[0]["b"])


def test_a_device_that_is_not_there_is_named(sequences: SequenceSet) -> None:
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(DeviceError, match=f"'{missing}' is not there.*--device cpu"):
        FitContext(sequences, replace(settings(), device=missing))
