"""Rows for a GPU, at a tiny size on the CPU: all that can be run of them without one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import gpu_processes, gpu_share, gpu_stack, gpu_study, gpu_variants
from benchmarks.gpu_arithmetic import forward_flops, training_flops
from benchmarks.gpu_data import CHANNELS, CMI, HIERARCHY, batches_of, context_of, made_up, stack_of
from benchmarks.gpu_layers import convolutions
from benchmarks.gpu_steps import BareStep, GraphStep, padded
from benchmarks.gpu_variants import EAGER, Variant, measured
from benchmarks.plain.network import PlainSqueezeformer
from benchmarks.result import Row
from model.config import NetworkConfig

TINY = replace(
    CMI,
    network=NetworkConfig(width=8, blocks=1, bert_layers=1, heads=2, kernel=5, expansion=1),
    sequences=120,
    subjects=6,
    batch=8,
    folds=2,
    trials=5,
    warmups=1,
    steps=3,
    epochs=2,
    study_trials=10,
    stacks=(1, 5),
    processes=(1, 2),
    window_s=0.1,
    matrix=64,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_sequences_are_as_many_and_as_long_as_those_of_cmi() -> None:
    sequences = made_up(CMI)
    length = sequences.length
    assert (len(sequences), len(np.unique(sequences.subject))) == (8151, 81)
    assert (len(HIERARCHY.fine), len(HIERARCHY.coarse)) == (18, 9)
    assert length.min() >= 29
    assert length.max() <= 700
    assert length.mean() == pytest.approx(70.5, abs=1)
    assert np.percentile(length, (25, 50, 75, 95)) == pytest.approx([51, 59, 78, 128], rel=0.06)


@pytest.mark.parametrize("bert_layers", [0, 1])
def test_counted_operations_are_those_that_torch_counts(bert_layers: int) -> None:
    config = NetworkConfig(
        width=12, blocks=2, bert_layers=bert_layers, heads=2, kernel=5, expansion=3
    )
    plain = PlainSqueezeformer(config, CHANNELS, len(HIERARCHY.fine), len(HIERARCHY.coarse))
    x, exists = torch.randn(1, 20, CHANNELS), torch.ones(1, 20, dtype=torch.bool)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        plain(x, exists)
    assert sum(forward_flops(config, CHANNELS, 10)) == counter.get_total_flops()


def test_only_rows_that_exist_count() -> None:
    context = context_of(TINY, "cpu")
    batches = batches_of(context, stack_of(context, 1), 3)
    found = training_flops(TINY.network, CHANNELS, batches)
    assert found < training_flops(TINY.network, CHANNELS, batches, padded=True)
    longer = [padded(batch, 64) for batch in batches]
    assert found == training_flops(TINY.network, CHANNELS, longer)


@pytest.mark.parametrize("name", convolutions(1, 1))
@pytest.mark.parametrize("time_steps", [3, 20])
def test_all_ways_to_convolve_give_the_same(name: str, time_steps: int) -> None:
    x = torch.randn(2, 3, time_steps, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 4, 7, dtype=torch.float64, requires_grad=True)
    ways = convolutions(4, 7)
    found: list[tuple[Tensor, ...]] = []
    for way in (ways["own"], ways[name]):
        y = way(x, weight)
        found.append((y, *torch.autograd.grad(y.square().sum(), (x, weight))))
    torch.testing.assert_close(found[0], found[1])


VARIANTS = [variant for variant in gpu_variants.VARIANTS if not variant.compiled]


def test_variants_do_the_same_to_the_parameters() -> None:
    context = context_of(TINY, "cpu", "fp64")
    table = measured(context, TINY.trials, 3, 1, variants=VARIANTS)
    assert set(table) == {variant.name for variant in VARIANTS}
    for row in table.values():
        assert row["gradient_difference"] < 1e-12
        assert row["change_difference"] < 1e-9
        assert 0 < row["launch_ms"] <= row["step_ms"]


@pytest.mark.slow
def test_a_variant_that_breaks_is_told_and_costs_no_other() -> None:
    context = context_of(TINY, "cpu", "fp64")
    broken = Variant("broken", compiled=True)
    table = measured(context, 1, 2, 1, variants=[EAGER, broken, EAGER], backend="no such backend")
    assert "no such backend" in table["broken"]["failed"]
    assert "step_ms" in table["eager"]


def test_a_replica_that_left_stays_out_of_a_graph() -> None:
    """Who is alive is carried from step to step in the buffers that the graph reads."""
    context = context_of(TINY, "cpu", "fp64")
    stack = stack_of(context, TINY.trials)
    step = GraphStep(BareStep(stack.module))
    batches = [padded(batch) for batch in batches_of(context, stack, 3)]
    step(batches[0])
    with torch.no_grad():
        stack.module.flat[3] = torch.nan
    step(batches[1])
    with torch.no_grad():
        stack.module.flat[3] = 0.1
    step(batches[2])
    assert stack.module.alive.logical_not().nonzero().flatten().tolist() == [3]
    assert stack.module.fault[3] == 0


@pytest.mark.parametrize("measure", [gpu_stack.measure, gpu_share.measure])
def test_rows_come_with_a_ratio(measure: Callable[..., Row]) -> None:
    row = measure(1, "cpu", TINY)
    assert row.skipped is None
    assert row.ratio is not None
    assert row.ratio.low == row.ratio.median > 0
    assert json.loads(json.dumps(row.as_json({}), allow_nan=False))["repeats"] == 1


def test_growth_and_minutes_of_a_study() -> None:
    row = gpu_study.measure(2, "cpu", TINY)
    assert row.ratio is not None
    assert row.ratio.median == pytest.approx(30 / row.details["minutes"], rel=0.5)
    assert [entry["replicas"] for entry in row.details["growth"]] == [2, 10]
    batch = row.details["batch_of_trials"]
    assert len(batch["epoch_s"]) == 2
    expected = gpu_study.minutes_of(TINY, {"trials": 4, "start_s": 3.0}, epoch_s=5.0, opening_s=1.0)
    assert expected == pytest.approx((1 + 3 * (3 + 2 * 5)) / 60)  # 10 trials are 3 stacks of 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize(
    "module",
    [gpu_stack, gpu_share, gpu_study, gpu_processes, gpu_variants],
    ids=lambda m: m.__name__,
)
def test_without_a_device_a_row_says_so(module: object) -> None:
    row = module.measure(5)  # type: ignore[attr-defined]  # every one has it
    assert row.skipped == "no CUDA device here"
    assert row.ratio is None


@pytest.mark.slow
def test_processes_share_the_device() -> None:
    row = gpu_processes.measure(2, "cpu", TINY)
    assert row.skipped is None
    assert row.ratio is not None
    assert row.details["failed"] == {}
    assert {name: len(rates) for name, rates in row.details["steps_per_s"].items()} == {
        "stack": 2,
        "1 processes": 2,
        "2 processes": 2,
    }


@pytest.mark.slow
def test_processes_that_cannot_train_are_told_of() -> None:
    with (
        gpu_processes.Processes(2, "cuda:99", TINY) as processes,
        pytest.raises(gpu_processes.SharingError, match="a process ended"),
    ):
        processes.rate(2)


@pytest.mark.slow
def test_the_network_compiles_without_a_break() -> None:
    context = context_of(TINY, "cpu", "fp64")
    compiled = Variant("compile", padded=True, compiled=True)
    table = measured(context, 1, 3, 1, variants=[EAGER, compiled], backend="aot_eager")
    assert table["compile"]["graph_breaks"] == 0
    assert table["compile"]["change_difference"] < 1e-9


@pytest.mark.slow
def test_rows_need_neither_optuna_nor_sql() -> None:
    modules = ("gpu_stack", "gpu_share", "gpu_processes", "gpu_study", "gpu_variants")
    code = f"""
import sys
for name in {("command", "session", *modules)}:
    __import__("benchmarks." + name)
loaded = {{name.split(".")[0] for name in sys.modules}}
print(loaded & {{"optuna", "sqlalchemy", "alembic", "study", "storage"}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
