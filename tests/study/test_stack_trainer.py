"""The real trainer where there is no room, with errors as torch raises them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import pytest
import torch

from model.config import LossConfig
from model.errors import OutOfMemory
from model.fit import FitContext
from model.outcomes import Outcome, TrialSpec
from study.worker import training
from study.worker.training import CPU_STACK, StackTrainer
from tests.model.conftest import made_up, settings

TRIALS = [TrialSpec("t", LossConfig())]


@pytest.fixture(scope="module")
def trainer() -> StackTrainer:
    return StackTrainer(FitContext(made_up(), settings()))


def test_what_a_stack_took_is_free_when_its_error_arrives(
    trainer: StackTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[weakref.ref[torch.Tensor]] = []

    def fit(*_: object) -> Sequence[Outcome]:
        held = torch.ones(10)
        taken.append(weakref.ref(held))
        torch.empty(2**60)
        raise AssertionError

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(OutOfMemory, match="you tried to allocate") as found:
        trainer(TRIALS, lambda _: ())
    assert found.value.shortage == "host_memory"
    assert taken[0]() is None


def test_another_error_stays_as_it_is(
    trainer: StackTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(*_: object) -> Sequence[Outcome]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(RuntimeError, match="a bug"):
        trainer(TRIALS, lambda _: ())


def test_a_core_trains_few_trials_at_a_time(trainer: StackTrainer) -> None:
    assert trainer.largest_stack(None) == CPU_STACK
    assert trainer.largest_stack(4) == CPU_STACK
