"""Rows that are points."""

from __future__ import annotations

import pytest
import torch

from benchmarks import growth
from benchmarks.growth import Setting, over_width, peak_mib, stepper
from model.config import NetworkConfig
from model.module import StackModule

TINY = NetworkConfig(width=8, blocks=1, heads=2, kernel=3, expansion=1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(growth, "BATCH", 4)
    monkeypatch.setattr(growth, "WIDTHS", (8, 16))
    monkeypatch.setattr(Setting, "here", classmethod(lambda cls: cls(TINY, "cpu", length=12)))


def test_points_are_told_with_their_spread() -> None:
    made = over_width(3)
    assert made.ratio is None
    assert made.skipped is None
    points = made.details["points"]
    assert [point[made.details["x"]] for point in points] == [8, 16]
    for point in points:
        assert 0 < point["low"] <= point["ms"] <= point["high"]


@pytest.mark.parametrize("replicas", [1, 7])
def test_a_step_trains_every_replica(replicas: int, monkeypatch: pytest.MonkeyPatch) -> None:
    modules: list[StackModule] = []

    def keep(*args: object, **kwargs: object) -> StackModule:
        modules.append(StackModule(*args, **kwargs))  # type: ignore[arg-type]  # handed on as they came
        return modules[-1]

    monkeypatch.setattr(growth, "StackModule", keep)
    run = stepper(Setting(TINY, "cpu", replicas, length=12))
    before = modules[0].flat.detach().clone()
    run()
    assert len(before) == replicas
    assert (modules[0].flat != before).any(1).all()
    assert modules[0].alive.all()


@pytest.mark.slow
def test_peak_memory_grows_with_the_stack() -> None:
    one, many = (peak_mib(Setting(TINY, "cpu", n, length=200)) for n in (1, 50))
    assert one + 50 < many < one + 5000
