"""Under bf16 autocast only matrix products and convolutions are narrow.

On a CPU, the road that CUDA takes by default as far as one can be sent down it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from model.config import LossConfig
from model.data.batches import TrainBatches
from model.data.sequences import SequenceSet
from model.fit import FitContext, Stack
from model.losses import HierarchyLosses
from model.network.layers import LayerNorm, masked_mean_std
from model.network.parameters import Layout, Parameters
from model.network.squeezeformer import Logits
from model.outcomes import TrialSpec
from model.weighting.mixed import MixedWeighting
from tests.model.conftest import HIERARCHY, settings

ARMS = [
    LossConfig(),
    LossConfig(auto_weighting="uncertainty"),
    LossConfig(auto_weighting="direct"),
    LossConfig(auto_weighting="direct_anchored"),
    LossConfig(auto_weighting="equal"),
    LossConfig(auto_weighting="random"),
    LossConfig(auto_weighting="dwa"),
    LossConfig(auto_weighting="uw_so"),
]
COUNTS = (len(HIERARCHY.fine), 2, len(HIERARCHY.coarse))
NARROW = {"bmm", "baddbmm", "convolution", "mkldnn_convolution"}
"""What autocast is for."""
WIDE = {"_log_softmax", "logsumexp", "exp2", "exp", "rsqrt", "sqrt", "log1p", "native_layer_norm"}
"""What loses digits in bf16: softmax, logarithms of it, norms."""


def autocast() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


def narrow(*shape: int) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return (torch.randn(shape, generator=random) * 3).bfloat16()


def test_losses_of_bf16_logits_are_those_of_the_same_logits_in_fp32() -> None:
    losses = HierarchyLosses(HIERARCHY)
    label = torch.arange(6).view(2, 3) % len(HIERARCHY.fine)
    smoothing = torch.tensor([0.1, 0.0])
    logits = [narrow(2, 3, COUNTS[0]), narrow(2, 3, COUNTS[2]), narrow(2, 3)]
    with autocast():
        found = losses(Logits(*logits), label, smoothing)
    assert found.dtype == torch.float32
    expected = losses(Logits(*(part.float() for part in logits)), label, smoothing)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("loss", ARMS, ids=lambda loss: loss.auto_weighting)
def test_totals_and_weights_are_fp32(loss: LossConfig) -> None:
    weighting = MixedWeighting([loss, *ARMS], COUNTS).float()
    losses = torch.rand(len(ARMS) + 1, 4, generator=torch.Generator().manual_seed(0))
    with autocast():
        total = weighting(losses)
        weights = [part.weighting.weights() for part in weighting.parts]
    assert total.dtype == torch.float32
    assert all(part.dtype == torch.float32 for part in weights)
    torch.testing.assert_close(total, weighting(losses), rtol=0, atol=0)


def test_norm_and_pooling_of_bf16_are_computed_in_fp32() -> None:
    layout = Layout()
    norm = LayerNorm(layout, "norm", 8)
    parameters = Parameters(layout, torch.rand(2, layout.size, generator=torch.manual_seed(0)))
    x, mask = narrow(2, 3, 5, 8), torch.ones(2, 3, 5, 1)
    mask[:, :, 3:] = 0
    with autocast():
        found = norm(x, parameters), masked_mean_std(x, mask)
    expected = (
        norm(x.float(), parameters),
        masked_mean_std(x.float(), mask),
    )
    for ours, wide in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, wide, rtol=1e-5, atol=1e-5)


class Formats(TorchDispatchMode):
    """Notes the formats of what goes into each operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.seen: dict[str, set[torch.dtype]] = defaultdict(set)

    def __torch_dispatch__(
        self,
        func: OpOverload[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        given = {part.dtype for part in args if isinstance(part, Tensor)}
        self.seen[func._opname.rstrip("_")] |= {dtype for dtype in given if dtype.is_floating_point}
        return func(*args, **(kwargs or {}))


def test_formats_of_a_whole_step(sequences: SequenceSet) -> None:
    """Products in bf16; softmax, norms, gradients and the optimizer's state in fp32."""
    context = FitContext(sequences, settings(precision="bf16"))
    stack = Stack(context, [TrialSpec(str(i), arm) for i, arm in enumerate(ARMS)], lambda _: ())
    module, layout = stack.module, context.network.layout
    optimizer = module.configure_optimizers()["optimizer"]
    batches = TrainBatches(
        context.data, stack.streams, context.plan, layout.dropout_width, 0.2, epoch=0
    )
    with Formats() as formats:
        with autocast():
            loss = module.training_step(next(iter(batches)), 0)
        loss.backward()
    module.configure_gradient_clipping(optimizer)
    optimizer.step()
    seen = formats.seen
    assert loss.dtype == torch.float32
    assert seen["bmm"] >= {torch.bfloat16}
    assert any(torch.bfloat16 in seen[name] for name in NARROW if "convolution" in name)
    for name in WIDE & seen.keys():
        assert seen[name] == {torch.float32}, name
    assert len(WIDE & seen.keys()) >= 5
    state = [value for held in optimizer.state.values() for value in held.values()]
    for parameter in module.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
    assert state
    assert all(value.dtype == torch.float32 for value in state)
