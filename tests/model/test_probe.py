"""Stacks sized by what small ones take, on a device whose memory is the bytes of all tensors."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from model import probe
from model.config import LossConfig
from model.fit import FitContext, fit
from model.outcomes import TrialSpec
from model.probe import MARGIN, MOST, PROBED, Law, alone, largest_stack


class TensorBytes:
    """Counts what torch allocates on the CPU, within a limit."""

    name = "tensors"

    def __init__(self, limit: int = 2**40) -> None:
        self.limit = limit
        self.reserved = 0

    def restart(self) -> None:
        self._profile: Any = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self._profile.__enter__()

    def peak(self) -> int:
        self._profile.__exit__(None, None, None)
        events = self._profile.profiler.kineto_results.events()
        held = highest = 0
        for event in sorted((e for e in events if e.name() == "[memory]"), key=_start):
            held += event.nbytes()
            highest = max(highest, held)
        return highest

    def capacity(self) -> int:
        return self.limit

    def total(self) -> int:
        return self.limit

    def reserve(self, size: int) -> None:
        self.reserved = size


def _start(event: Any) -> int:  # noqa: ANN401 (torch's events have no type)
    found: int = event.start_ns()
    return found


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def trained(context: FitContext, trials: int) -> int:
    """Most bytes held at once while so many trials really train."""
    meter = TensorBytes()
    meter.restart()
    fit(context, [TrialSpec(str(i), LossConfig()) for i in range(trials)])
    return meter.peak()


def test_a_stack_of_the_size_found_fits_and_uses_what_there_is(context: FitContext) -> None:
    limit = 8_000_000
    meter = TensorBytes(limit)
    trials = largest_stack(context, meter)
    taken = trained(context, trials)
    assert PROBED[-1] < trials < MOST
    assert meter.reserved <= (1 - MARGIN) * limit
    assert taken <= 1.1 * meter.reserved < limit
    assert taken > 0.6 * limit


def test_a_probe_leaves_the_context_as_it_was(context: FitContext) -> None:
    plan, streams = context.plan, context.streams
    largest_stack(context, TensorBytes())
    assert context.plan is plan
    assert context.streams is streams
    assert context.settings.training.epochs == 2


def sized(monkeypatch: pytest.MonkeyPatch, context: FitContext, share: float = 1.0) -> int:
    """Trials found where a trial takes 10 of 1,000 bytes, 200 of which are always taken."""
    monkeypatch.setattr(probe, "_peak", lambda _context, _meter, trials: 200 + 10 * trials)
    return largest_stack(context, TensorBytes(1000), share)


def test_a_margin_is_left(monkeypatch: pytest.MonkeyPatch, context: FitContext) -> None:
    assert 200 + 10 * sized(monkeypatch, context) == pytest.approx(850, abs=10)


def test_a_share_of_the_memory_is_all_that_is_used(
    monkeypatch: pytest.MonkeyPatch, context: FitContext
) -> None:
    assert 200 + 10 * sized(monkeypatch, context, share=0.5) == pytest.approx(425, abs=10)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_where_the_probe_does_not_fit_one_trial_is_tried(
    monkeypatch: pytest.MonkeyPatch, context: FitContext, error: Exception
) -> None:
    def fails(*_: object) -> int:
        raise error

    monkeypatch.setattr(probe, "_peak", fails)
    assert largest_stack(context, TensorBytes()) == 1


def test_another_error_of_the_probe_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, context: FitContext
) -> None:
    def fails(*_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(probe, "_peak", fails)
    with pytest.raises(RuntimeError, match="a bug"):
        largest_stack(context, TensorBytes())


@given(
    st.integers(0, 10**10),
    st.integers(1, 10**9),
    st.integers(0, 10**11),
)
def test_the_room_is_the_most_that_fits(fixed: int, per_trial: int, size: int) -> None:
    few, more = PROBED
    law = Law.through({few: fixed + few * per_trial, more: fixed + more * per_trial})
    trials = law.room(size)
    assert 1 <= trials <= MOST
    assert trials == 1 or law.of(trials) <= size
    assert trials == MOST or law.of(trials + 1) > size


def test_stacks_that_take_no_more_than_one_trial_are_limited_all_the_same() -> None:
    assert Law.through({1: 100, 3: 100}).room(100) == MOST
    assert Law.through({1: 100, 3: 90}).room(50) == MOST


def test_one_is_alone_at_a_time() -> None:
    entered = threading.Event()

    def enter() -> None:
        with alone("place"):
            entered.set()

    other = threading.Thread(target=enter)
    with alone("place"):
        other.start()
        assert not entered.wait(0.1)
    assert entered.wait(10)
    other.join()
