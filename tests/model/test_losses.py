"""The four losses against torch's own, and labels by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model.errors import ConfigError
from model.hierarchy import Hierarchy
from model.losses import HierarchyLosses
from model.network.squeezeformer import Logits
from tests.model.test_score import CMI


def drawn(dtype: torch.dtype = torch.float64, replicas: int = 2, batch: int = 7) -> Logits:
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) * 3

    return Logits(normal(replicas, batch, 18), normal(replicas, batch, 9), normal(replicas, batch))


LABEL = torch.tensor([[0, 3, 17, 9, 9, 4, 11], [5, 5, 2, 8, 16, 1, 0]])


def test_equal_torch_with_labels_mapped_by_name() -> None:
    logits = drawn()
    found = HierarchyLosses(CMI)(logits, LABEL, torch.tensor([0.1, 0.0])).mean(1)
    for r, smoothing in enumerate((0.1, 0.0)):
        names = [CMI.fine[i] for i in LABEL[r]]
        targets = set(CMI.coarse) - {CMI.other}
        coarse = torch.tensor([CMI.coarse.index(n if n in targets else CMI.other) for n in names])
        binary = torch.tensor([float(n in targets) for n in names], dtype=torch.float64)
        p_fine = logits.fine[r].softmax(-1)
        summed = torch.zeros(len(names), len(CMI.coarse), dtype=torch.float64)
        for i, fine in enumerate(CMI.fine):
            summed[:, CMI.coarse.index(fine if fine in targets else CMI.other)] += p_fine[:, i]
        expected = torch.stack(
            [
                F.cross_entropy(logits.fine[r], LABEL[r], label_smoothing=smoothing),
                F.binary_cross_entropy_with_logits(logits.binary[r], binary),
                F.cross_entropy(logits.coarse[r], coarse, label_smoothing=smoothing),
                F.kl_div(logits.coarse[r].log_softmax(-1), summed, reduction="batchmean"),
            ]
        )
        torch.testing.assert_close(found[r], expected)


def test_half_precision_logits_are_widened() -> None:
    losses = HierarchyLosses(CMI)(drawn(torch.bfloat16), LABEL, torch.tensor([0.1, 0.1]))
    assert losses.dtype == torch.float32


def test_extreme_logits_stay_finite() -> None:
    logits = drawn()
    wild = Logits(logits.fine * 300, logits.coarse * 300, logits.binary * 300)
    for tensor in (wild.fine, wild.coarse, wild.binary):
        tensor.requires_grad_()
    losses = HierarchyLosses(CMI)(wild, LABEL, torch.tensor([0.1, 0.1]))
    losses.sum().backward()
    assert losses.isfinite().all()
    for tensor in (wild.fine, wild.coarse, wild.binary):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


def test_kl_is_zero_where_the_heads_agree_and_sends_gradients_to_both() -> None:
    fine = drawn().fine.requires_grad_()
    summed = fine.softmax(-1) @ torch.from_numpy(CMI.member)
    agreeing = Logits(fine, summed.log(), drawn().binary)
    losses = HierarchyLosses(CMI)(agreeing, LABEL, torch.zeros(2))
    torch.testing.assert_close(losses[..., 3], torch.zeros(2, 7, dtype=torch.float64))
    logits = drawn()
    logits.fine.requires_grad_()
    logits.coarse.requires_grad_()
    HierarchyLosses(CMI)(logits, LABEL, torch.zeros(2))[..., 3].sum().backward()
    assert logits.fine.grad is not None
    assert logits.coarse.grad is not None
    assert min(logits.fine.grad.abs().max(), logits.coarse.grad.abs().max()) > 0


def test_hierarchy_goes_by_name_whatever_the_order() -> None:
    """Targets stand among the others once names are sorted: positions would be wrong."""
    one = Hierarchy.of(targets=("walk", "chew"), others=("zip", "ball", "dig"))
    other = Hierarchy.of(targets=("chew", "walk"), others=("dig", "zip", "ball"))
    assert one == other
    assert one.fine == ("ball", "chew", "dig", "walk", "zip")
    assert [one.coarse[i] for i in one.fine_to_coarse] == [
        "other",
        "chew",
        "other",
        "walk",
        "other",
    ]
    np.testing.assert_array_equal(one.is_target, [False, True, False, True, False])


def test_a_target_called_other_does_not_swallow_the_rest() -> None:
    found = Hierarchy.of(targets=("other", "a"), others=("b",))
    assert found.other == "other_"
    assert found.is_target.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("targets", "others", "message"),
    [
        (("a", "b"), ("b", "c"), r"found more often: \['b'\]"),
        ((), ("b",), "0 targets and 1 others"),
        (("a",), (), "1 targets and 0 others"),
    ],
)
def test_impossible_hierarchies_are_refused(
    targets: tuple[str, ...], others: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Hierarchy.of(targets, others)
