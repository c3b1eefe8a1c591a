"""The CPU's own norm, attention and pooling against torch's, values and gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.device import keep_freed_memory
from model.network import lean

Function = Callable[[Tensor], Tensor]
sizes = st.integers(1, 40)


def drawn(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def existing(sequences: int, time: int, seed: int) -> Tensor:
    """[sequences, time] bool, at least the first step of each."""
    length = torch.randint(
        1, time + 1, (sequences, 1), generator=torch.Generator().manual_seed(seed)
    )
    return torch.arange(time) < length


def assert_same(ours: Function, theirs: Function, x: Tensor) -> None:
    """Values and gradients of both, to fp64's rounding."""
    found, wanted = (x.clone().requires_grad_() for _ in range(2))
    y, z = ours(found), theirs(wanted)
    torch.testing.assert_close(y, z, rtol=1e-9, atol=1e-12)
    gradient = drawn(*y.shape, seed=9)
    y.backward(gradient)
    z.backward(gradient)
    assert found.grad is not None
    atol = 1e-12 * max(1.0, float(x.abs().max()) ** 2)
    torch.testing.assert_close(found.grad, wanted.grad, rtol=1e-7, atol=atol)


def torchs_attention(exists: Tensor) -> Function:
    def attend(qkv: Tensor) -> Tensor:
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind()
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=exists.mT)
        return mixed.transpose(1, 2).flatten(2)

    return attend


@given(sizes, sizes, st.integers(2, 40), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_norm_is_layer_norm(batch: int, time: int, channels: int, seed: int) -> None:
    scale, shift = drawn(2, 1, 1, channels, seed=1), drawn(2, 1, 1, channels, seed=2)
    x = drawn(2, batch, time, channels, seed=seed, scale=3.0) + 5
    assert_same(
        lambda x: lean.norm(x, scale, shift),
        lambda x: torch.addcmul(shift, F.layer_norm(x, (channels,)), scale),
        x,
    )


def test_norm_has_the_gradients_of_its_scale_and_shift() -> None:
    x, scale, shift = drawn(2, 3, 4, 5), drawn(2, 1, 1, 5, seed=1), drawn(2, 1, 1, 5, seed=2)
    assert_same(
        lambda s: lean.norm(x, s, shift), lambda s: s * F.layer_norm(x, (5,)) + shift, scale
    )
    assert_same(
        lambda s: lean.norm(x, scale, s), lambda s: scale * F.layer_norm(x, (5,)) + s, shift
    )


@given(sizes, sizes, st.integers(1, 3), st.booleans(), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_norm_of_a_sum_has_the_gradients_of_both(
    batch: int, time: int, replicas: int, drops: bool, seed: int
) -> None:
    x, y = (drawn(replicas, batch, time, 5, seed=seed + i) for i in range(2))
    scale, shift = drawn(replicas, 1, 1, 5, seed=3), drawn(replicas, 1, 1, 5, seed=4)
    keep = (drawn(replicas, batch, 1, 5, seed=5) > 0).double() if drops else None

    def ours(x: Tensor, y: Tensor) -> Tensor:
        return lean.norm(x, scale, shift, y, keep)

    def theirs(x: Tensor, y: Tensor) -> Tensor:
        total = x + (y if keep is None else y * keep)
        return torch.addcmul(shift, F.layer_norm(total, (5,)), scale)

    assert_same(lambda x: ours(x, y), lambda x: theirs(x, y), x)
    assert_same(lambda y: ours(x, y), lambda y: theirs(x, y), y)


@pytest.mark.skipif(not lean.ONEDNN, reason="torch was built without oneDNN")
@given(st.integers(1, 4), sizes, st.integers(1, 40), st.integers(1, 40), st.booleans())
@settings(max_examples=30, deadline=None)
def test_linear_is_the_batched_product(
    replicas: int, rows: int, inputs: int, outputs: int, has_bias: bool
) -> None:
    """In fp32, where oneDNN computes it."""
    x, weight = drawn(replicas, rows, inputs).float(), drawn(replicas, outputs, inputs).float()
    bias = drawn(replicas, 1, outputs, seed=1).float() if has_bias else None
    found = [None if a is None else a.clone().requires_grad_() for a in (x, weight, bias)]
    wanted = [None if a is None else a.double().requires_grad_() for a in (x, weight, bias)]
    y = lean.linear(*found)  # type: ignore[arg-type]  # only the bias may be None
    assert wanted[0] is not None
    assert wanted[1] is not None
    z = wanted[0] @ wanted[1].mT + (0 if wanted[2] is None else wanted[2])
    torch.testing.assert_close(y.double(), z, rtol=1e-4, atol=1e-4)
    gradient = drawn(*z.shape, seed=2)
    y.backward(gradient.float())
    z.backward(gradient)
    for ours, theirs in zip(found, wanted, strict=True):
        if ours is not None and theirs is not None:
            assert ours.grad is not None
            assert theirs.grad is not None
            torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 5), sizes, st.integers(1, 3), st.integers(1, 8), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_attention_is_scaled_dot_product_attention(
    sequences: int, time: int, heads: int, size: int, seed: int
) -> None:
    exists = existing(sequences, time, seed).view(sequences, 1, time, 1)
    qkv = drawn(sequences, time, 3, heads, size, seed=seed, scale=2.0)
    assert_same(lambda x: lean.attention(x, exists), torchs_attention(exists), qkv)


@pytest.mark.parametrize("scale", [30.0, 1e3])
def test_attention_bears_large_scores(scale: float) -> None:
    exists = existing(4, 33, seed=3).view(4, 1, 33, 1)
    qkv = drawn(4, 33, 3, 2, 16, scale=scale)
    assert_same(lambda x: lean.attention(x, exists), torchs_attention(exists), qkv)


def test_attention_gives_padding_no_say() -> None:
    exists = existing(4, 20, seed=1).view(4, 1, 20, 1)
    qkv = drawn(4, 20, 3, 2, 4)
    spoilt = torch.where(exists.view(4, 20, 1, 1, 1), qkv, 1e6)
    real = exists.view(4, 20, 1)
    found = lean.attention(spoilt, exists), lean.attention(qkv, exists)
    torch.testing.assert_close(found[0] * real, found[1] * real)


@given(st.integers(1, 4), sizes, st.integers(1, 9), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_pooling_is_mean_and_sd_of_what_exists(
    batch: int, time: int, channels: int, seed: int
) -> None:
    mask = existing(2 * batch, time, seed).view(2, batch, time, 1).double()

    def plain(x: Tensor) -> Tensor:
        count = mask.sum(2)
        mean = (x * mask).sum(2) / count
        variance = ((x - mean.unsqueeze(2)).square() * mask).sum(2) / count
        return torch.cat((mean, (variance + lean.EPS).sqrt()), dim=-1)

    x = drawn(2, batch, time, channels, seed=seed) + 3
    assert_same(lambda x: lean.mean_std(x, mask), plain, x)


def test_a_replica_that_is_not_finite_spoils_no_other() -> None:
    x = drawn(3, 4, 5, 6)
    x[1, 2, 3] = torch.nan
    x.requires_grad_()
    ones = torch.ones(3, 1, 1, 6, dtype=torch.float64)
    qkv = lean.norm(x, ones, ones).repeat(1, 1, 1, 3).view(12, 5, 3, 2, 3)
    exists = torch.ones(12, 1, 5, 1, dtype=torch.bool)
    y = lean.mean_std(lean.attention(qkv, exists).view(3, 4, 5, 6), torch.ones(3, 4, 5, 1).double())
    y[[0, 2]].sum().backward()
    assert y[[0, 2]].isfinite().all()
    assert not y[1].isfinite().all()
    assert x.grad is not None
    assert x.grad[[0, 2]].isfinite().all()


def test_under_autocast_all_is_done_in_fp32() -> None:
    x = drawn(2, 3, 4, 8).float().requires_grad_()
    ones = torch.ones(2, 1, 1, 8)
    exists = torch.ones(6, 1, 4, 1, dtype=torch.bool)

    def run(x: Tensor) -> list[Tensor]:
        qkv = x.repeat(1, 1, 1, 3).view(6, 4, 3, 2, 4)
        mask = torch.ones(2, 3, 4, 1)
        return [lean.norm(x, ones, ones), lean.attention(qkv, exists), lean.mean_std(x, mask)]

    with torch.autocast("cpu", torch.bfloat16):
        half = run(x.bfloat16())
    for found, wanted in zip(half, run(x.bfloat16().float()), strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted)
    sum(y.sum() for y in half).backward()  # type: ignore[union-attr]  # sum of tensors
    assert x.grad is not None


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library is not glibc")
def test_freed_memory_is_used_again() -> None:
    import resource

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            torch.ones(2_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults()
    assert faults() < 2000  # pages of one such tensor
