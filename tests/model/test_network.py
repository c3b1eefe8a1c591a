"""The network: sizes, padding, replicas apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from model.config import NETWORK_PRESETS, NetworkConfig
from model.network.parameters import Parameters
from model.network.squeezeformer import Squeezeformer
from tests.model.conftest import HIERARCHY, SMALL
from tests.model.test_score import CMI


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [("tiny", 25e3, 40e3), ("base", 1e6, 3e6), ("reference", 21e6, 25e6)],
)
def test_presets_have_the_sizes_they_promise(preset: str, low: float, high: float) -> None:
    size = Squeezeformer(NETWORK_PRESETS[preset], 16, CMI).layout.size
    assert low < size < high, size


def logits(network: Squeezeformer, flat: Tensor, x: Tensor, length: Tensor) -> Tensor:
    """[R, B, all classes] for x [R, B, L, C] with `length` [B] rows in use."""
    mask = (torch.arange(x.shape[2]) < length[:, None]).to(x.dtype)[None, :, :, None]
    mask = mask.expand(x.shape[0], -1, -1, -1)
    out = network(
        network.windows(x * mask),
        mask[:, :, :: network.config.stride],
        Parameters(network.layout, flat),
    )
    return torch.cat((out.fine, out.coarse, out.binary.unsqueeze(-1)), dim=-1)


def drawn(network: Squeezeformer, replicas: int) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.stack([network.layout.initial(generator) for _ in range(replicas)]).double()


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 5]),
    st.sampled_from([0, 1]),
    st.lists(st.integers(1, 21), min_size=1, max_size=4),
    st.integers(0, 9),
)
def test_logits_do_not_depend_on_padding(
    stride: int, stem: int, bert: int, lengths: list[int], extra: int
) -> None:
    """Batched and padded by any amount, or alone without padding: the same logits."""
    config = SMALL.model_copy(
        update={"stride": stride, "stem_kernel": stem, "bert_layers": bert, "kernel": 7}
    )
    network = Squeezeformer(config, 3, HIERARCHY)
    flat = drawn(network, 2)
    length = torch.tensor(lengths)
    x = torch.randn(2, len(lengths), max(lengths) + extra, 3, dtype=torch.float64)
    batched = logits(network, flat, x, length)
    for i, rows in enumerate(lengths):
        alone = logits(network, flat, x[:, i : i + 1, :rows], length[i : i + 1])
        torch.testing.assert_close(batched[:, i : i + 1], alone, atol=1e-10, rtol=0)


def test_replicas_do_not_touch_each_other() -> None:
    network = Squeezeformer(SMALL, 3, HIERARCHY)
    flat = drawn(network, 3).requires_grad_()
    x = torch.randn(1, 4, 12, 3, dtype=torch.float64).expand(3, -1, -1, -1)
    out = logits(network, flat, x, torch.tensor([12, 5, 9, 12]))
    alone = logits(network, flat[1:2], x[1:2], torch.tensor([12, 5, 9, 12]))
    torch.testing.assert_close(out[1:2], alone)
    (gradient,) = torch.autograd.grad(out[1].sum(), flat)
    assert gradient[[0, 2]].abs().max() == 0
    assert gradient[1].abs().max() > 0


def test_every_parameter_learns() -> None:
    """A parameter without a gradient would drift under Adam."""
    network = Squeezeformer(NetworkConfig(bert_layers=1), 3, HIERARCHY)
    flat = drawn(network, 1).requires_grad_()
    x = torch.randn(1, 6, 40, 3, dtype=torch.float64)
    out = logits(network, flat, x, torch.tensor([40, 33, 21, 9, 17, 40]))
    (out * torch.randn_like(out)).sum().backward()
    assert flat.grad is not None
    for slot, part in zip(network.layout.slots, network.layout.unflatten(flat.grad), strict=True):
        assert part.abs().max() > 1e-9, slot.name


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kernel", 4, "odd number of taps, found 4"),
        ("width", 30, "multiple of 2 x heads, found width 30 and 2 heads"),
        ("stride", 3, "1, 2 or 4"),
    ],
)
def test_impossible_networks_are_refused(field: str, value: int, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NetworkConfig.model_validate({field: value})
