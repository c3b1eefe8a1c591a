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
from model.network.lean.attention import mix, mix_gradient
from model.network.lean.norm import EPS, norm
from model.network.lean.pooling import mean_std
from model.network.lean.products import ONEDNN, linear

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


@given(sizes, sizes, st.integers(2, 40), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_norm_is_layer_norm(batch: int, time: int, channels: int, seed: int) -> None:
    scale, shift = drawn(2, 1, 1, channels, seed=1), drawn(2, 1, 1, channels, seed=2)
    x = drawn(2, batch, time, channels, seed=seed, scale=3.0) + 5
    assert_same(
        lambda x: norm(x, scale, shift),
        lambda x: torch.addcmul(shift, F.layer_norm(x, (channels,)), scale),
        x,
    )


def test_norm_has_the_gradients_of_its_scale_and_shift() -> None:
    x, scale, shift = drawn(2, 3, 4, 5), drawn(2, 1, 1, 5, seed=1), drawn(2, 1, 1, 5, seed=2)
    assert_same(lambda s: norm(x, s, shift), lambda s: s * F.layer_norm(x, (5,)) + shift, scale)
    assert_same(lambda s: norm(x, scale, s), lambda s: scale * F.layer_norm(x, (5,)) + s, shift)


@given(sizes, sizes, st.integers(1, 3), st.booleans(), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_norm_of_a_sum_has_the_gradients_of_both(
    batch: int, time: int, replicas: int, drops: bool, seed: int
) -> None:
    x, y = (drawn(replicas, batch, time, 5, seed=seed + i) for i in range(2))
    scale, shift = drawn(replicas, 1, 1, 5, seed=3), drawn(replicas, 1, 1, 5, seed=4)
    keep = (drawn(replicas, batch, 1, 5, seed=5) > 0).double() if drops else None

    def ours(x: Tensor, y: Tensor) -> Tensor:
        return norm(x, scale, shift, y, keep)

    def theirs(x: Tensor, y: Tensor) -> Tensor:
        total = x + (y if keep is None else y * keep)
        return torch.addcmul(shift, F.layer_norm(total, (5,)), scale)

    assert_same(lambda x: ours(x, y), lambda x: theirs(x, y), x)
    assert_same(lambda y: ours(x, y), lambda y: theirs(x, y), y)


@pytest.mark.skipif(not ONEDNN, reason="torch was built without oneDNN")
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
    y = linear(*found)  # type: ignore[arg-type]  # only the bias may be None
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


def padding(exists: Tensor) -> Tensor:
    """[B, T] bool -> what is added to the scores of keys, [B, T, 1]."""
    return torch.zeros_like(exists, dtype=torch.float64).masked_fill(~exists, -torch.inf)[..., None]


def assert_is_attention(qkv: Tensor, exists: Tensor) -> None:
    """Values and gradients of `mix` against torch's own."""
    wanted = qkv.clone().requires_grad_()
    query, key, value = wanted.permute(2, 0, 3, 1, 4).unbind()
    mask = exists[:, None, None]
    y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
    mixed, weights = mix(qkv, padding(exists))
    torch.testing.assert_close(mixed, y, rtol=1e-9, atol=1e-12)
    gradient = drawn(*y.shape, seed=9)
    y.backward(gradient)
    assert wanted.grad is not None
    found = mix_gradient(gradient, qkv, mixed, weights).view_as(qkv)
    atol = 1e-12 * max(1.0, float(qkv.abs().max()) ** 2)
    torch.testing.assert_close(found, wanted.grad, rtol=1e-7, atol=atol)


@given(st.integers(1, 5), sizes, st.integers(1, 3), st.integers(1, 8), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_attention_is_scaled_dot_product_attention(
    sequences: int, time: int, heads: int, size: int, seed: int
) -> None:
    qkv = drawn(sequences, time, 3, heads, size, seed=seed, scale=2.0)
    assert_is_attention(qkv, existing(sequences, time, seed))


@pytest.mark.parametrize("scale", [30.0, 1e3])
def test_attention_bears_large_scores(scale: float) -> None:
    assert_is_attention(drawn(4, 33, 3, 2, 16, scale=scale), existing(4, 33, seed=3))


def test_attention_gives_padding_no_say() -> None:
    exists = existing(4, 20, seed=1)
    qkv = drawn(4, 20, 3, 2, 4)
    spoilt = torch.where(exists.view(4, 20, 1, 1, 1), qkv, 1e6)
    found = [mix(given, padding(exists))[0] * exists[..., None] for given in (spoilt, qkv)]
    torch.testing.assert_close(*found)


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
        return torch.cat((mean, (variance + EPS).sqrt()), dim=-1)

    x = drawn(2, batch, time, channels, seed=seed) + 3
    assert_same(lambda x: mean_std(x, mask), plain, x)


def test_under_autocast_torchs_kernels_do_it() -> None:
    x = torch.ones(1)
    with torch.autocast("cpu", torch.bfloat16):
        assert not lean.serves(x)
    assert lean.serves(x)


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
