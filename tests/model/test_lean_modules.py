"""The CPU's modules with their residuals against torch's, values and all gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.network.lean.attention import self_attention
from model.network.lean.branch import Residual
from model.network.lean.feed_forward import feed_forward
from model.network.lean.pooling import mean_std
from tests.model.test_lean import drawn, existing, sizes


def residual(replicas: int, batch: int, width: int, *, drops: bool) -> Residual:
    scale, shift = (drawn(replicas, 1, 1, width, seed=seed) for seed in (20, 21))
    keep = (drawn(replicas, batch, 1, width, seed=22) > 0).double() / 0.5 if drops else None
    return Residual(scale, shift, keep)


def joined(x: Tensor, y: Tensor, residual: Residual) -> Tensor:
    """What torch's own kernels make of a branch and its residual."""
    total = x + (y if residual.keep is None else y * residual.keep)
    return torch.addcmul(residual.shift, F.layer_norm(total, total.shape[-1:]), residual.scale)


Module = Callable[[Tensor, list[Tensor], Residual], Tensor]


def assert_same_module(ours: Module, theirs: Module, tensors: list[Tensor], end: Residual) -> None:
    """In values and in the gradients of x, of every map, and of the norm's scale and shift."""
    outcomes = []
    for module in (ours, theirs):
        x, *maps, scale, shift = (
            t.clone().requires_grad_() for t in (*tensors, end.scale, end.shift)
        )
        y = module(x, maps, Residual(scale, shift, end.keep))
        y.backward(drawn(*y.shape, seed=9))
        outcomes.append([y, *(t.grad for t in (x, *maps, scale, shift))])
    torch.testing.assert_close(*outcomes, rtol=1e-7, atol=1e-10)


@given(st.integers(1, 3), st.integers(1, 9), sizes, st.booleans(), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_feed_forward_is_what_torch_makes_of_its_parts(
    replicas: int, batch: int, time: int, drops: bool, seed: int
) -> None:
    shapes = [(replicas, batch, time, 5), (replicas, 7, 5), (replicas, 1, 7)]
    shapes += [(replicas, 5, 7), (replicas, 1, 5)]
    tensors = [drawn(*shape, seed=seed + i) for i, shape in enumerate(shapes)]

    def ours(x: Tensor, maps: list[Tensor], end: Residual) -> Tensor:
        return feed_forward(x, (maps[0], maps[1]), (maps[2], maps[3]), end)

    def theirs(x: Tensor, maps: list[Tensor], end: Residual) -> Tensor:
        w_in, b_in, w_out, b_out = (part[:, None] for part in maps)
        return joined(x, F.silu(x @ w_in.mT + b_in) @ w_out.mT + b_out, end)

    assert_same_module(ours, theirs, tensors, residual(replicas, batch, 5, drops=drops))


@given(st.integers(1, 3), st.integers(1, 9), sizes, st.booleans(), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_self_attention_is_what_torch_makes_of_its_parts(
    replicas: int, batch: int, time: int, drops: bool, seed: int
) -> None:
    shapes = [(replicas, batch, time, 6), (replicas, 18, 6), (replicas, 6, 6), (replicas, 1, 6)]
    tensors = [drawn(*shape, seed=seed + i) for i, shape in enumerate(shapes)]
    exists = existing(replicas * batch, time, seed).view(replicas, batch, time)
    mask = exists[..., None].double()

    def ours(x: Tensor, maps: list[Tensor], end: Residual) -> Tensor:
        return self_attention(x, mask, 2, maps[0], (maps[1], maps[2]), end)

    def theirs(x: Tensor, maps: list[Tensor], end: Residual) -> Tensor:
        w_in, w_out, b_out = (part[:, None] for part in maps)
        qkv = (x @ w_in.mT).view(replicas, batch, time, 3, 2, 3).permute(3, 0, 1, 4, 2, 5)
        query, key, value = qkv.unbind()
        mask = exists[:, :, None, None]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return joined(x, mixed.transpose(2, 3).flatten(3) @ w_out.mT + b_out, end)

    assert_same_module(ours, theirs, tensors, residual(replicas, batch, 6, drops=drops))


def test_a_replica_that_is_not_finite_spoils_no_other() -> None:
    x = drawn(3, 4, 5, 6)
    x[1, 2, 3] = torch.nan
    x.requires_grad_()
    mask, end = torch.ones(3, 4, 5, 1).double(), residual(3, 4, 6, drops=True)
    attended = self_attention(x, mask, 2, drawn(3, 18, 6), (drawn(3, 6, 6), drawn(3, 1, 6)), end)
    inward, outward = (drawn(3, 7, 6), drawn(3, 1, 7)), (drawn(3, 6, 7), drawn(3, 1, 6))
    y = mean_std(feed_forward(attended, inward, outward, end), mask)
    y[[0, 2]].sum().backward()
    assert y[[0, 2]].isfinite().all()
    assert not y[1].isfinite().all()
    assert x.grad is not None
    assert x.grad[[0, 2]].isfinite().all()
