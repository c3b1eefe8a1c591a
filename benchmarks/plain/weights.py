"""The plain network's parameters and the slots of the stack that hold the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.plain import network as plain
from model.network.layers import FeedForward, LayerNorm, Linear
from model.network.parameters import Slot
from model.network.squeezeformer import Block, Squeezeformer

Pairs = Iterator[tuple[Slot, Tensor]]


def pairs(stack: Squeezeformer, single: plain.PlainSqueezeformer) -> list[tuple[Slot, Tensor]]:
    """Every slot with the parameter that does its work, in the order of the slots.

    Raises:
        ValueError: slots or parameters without a counterpart.
    """
    found = {slot.index: (slot, parameter) for slot, parameter in _network(stack, single)}
    paired = {id(parameter) for _, parameter in found.values()}
    if len(found) != len(stack.layout.slots) or len(paired) != len(list(single.parameters())):
        alone = [slot.name for slot in stack.layout.slots if slot.index not in found]
        alone += [name for name, p in single.named_parameters() if id(p) not in paired]
        raise ValueError(
            f"expected the plain network to have the stack's layers, found without a "
            f"counterpart: {', '.join(alone)}; change benchmarks/plain/network.py to match"
        )
    return [found[index] for index in sorted(found)]


@torch.no_grad()
def copy(stack: Squeezeformer, flat: Tensor, single: plain.PlainSqueezeformer) -> None:
    """Put one replica's parameters, [P], into the plain network."""
    tensors = stack.layout.unflatten(flat.unsqueeze(0))
    for slot, parameter in pairs(stack, single):
        parameter.copy_(tensors[slot.index].view_as(parameter))


def gradient(stack: Squeezeformer, single: plain.PlainSqueezeformer) -> Tensor:
    """The plain network's gradient as the stack lays it out, [P]."""
    found = (parameter.grad for _, parameter in pairs(stack, single))
    return torch.cat([part.flatten() for part in found if part is not None])


def _network(stack: Squeezeformer, single: plain.PlainSqueezeformer) -> Pairs:
    yield from _linear(stack.stem, single.stem)
    yield from _norm(stack.stem_norm, single.stem_norm)
    for block, counterpart in zip(stack.blocks, single.blocks, strict=True):
        assert isinstance(counterpart, plain.Block)
        yield from _block(block, counterpart)
    yield from _linear(stack.fine, single.fine)
    yield from _linear(stack.coarse, single.coarse)
    yield from _linear(stack.binary, single.binary)


def _block(stack: Block, single: plain.Block) -> Pairs:
    norms = [stack.attention.residual.norm, stack.mix.residual.norm]
    yield from _linear(stack.attention.inward, single.attention.qkv)
    yield from _linear(stack.attention.outward, single.attention.out)
    yield from _feed_forward(stack.mix, single.mix)
    if single.conv is not None and single.last is not None:
        conv = stack.convolution
        norms += [stack.convolution.residual.norm, stack.last.residual.norm]
        yield from _linear(conv.inward, single.conv.inward)
        yield conv.depthwise.weight, single.conv.depthwise.weight
        assert single.conv.depthwise.bias is not None
        yield conv.depthwise.bias, single.conv.depthwise.bias
        yield from _norm(conv.norm, single.conv.norm)
        yield from _linear(conv.outward, single.conv.out)
        yield from _feed_forward(stack.last, single.last)
    for norm, counterpart in zip(norms, single.norms, strict=True):
        assert isinstance(counterpart, nn.LayerNorm)
        yield from _norm(norm, counterpart)


def _feed_forward(stack: FeedForward, single: plain.FeedForward) -> Pairs:
    first, last = single[0], single[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    yield from _linear(stack.inward, first)
    yield from _linear(stack.outward, last)


def _linear(stack: Linear, single: nn.Linear | nn.Conv1d) -> Pairs:
    yield stack.weight, single.weight
    if stack.bias is not None and single.bias is not None:
        yield stack.bias, single.bias


def _norm(stack: LayerNorm, single: nn.LayerNorm) -> Pairs:
    yield stack.scale, single.weight
    yield stack.shift, single.bias
