"""The four losses of every replica.

Notation: R replicas, B sequences, N fine and M coarse classes.
All are computed in fp32 at least, whatever the precision of the network.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.device import at_least_fp32
from model.hierarchy import Hierarchy
from model.network.squeezeformer import Logits


def smoothed_cross_entropy(log_p: Tensor, label: Tensor, smoothing: Tensor) -> Tensor:
    """Cross entropy with label smoothing (Szegedy et al. 2016, section 7).

    Args:
        log_p: [R, B, classes] log-probabilities.
        label: [R, B] class ids.
        smoothing: [R] share of the target spread evenly over all classes.

    Returns:
        [R, B]
    """
    nll = -log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    spread = -log_p.mean(-1)
    return torch.lerp(nll, spread, smoothing.to(nll.dtype).unsqueeze(-1).expand_as(nll))


class HierarchyLosses(nn.Module):
    """Losses between logits and labels of one hierarchy."""

    fine_to_coarse: Tensor
    is_target: Tensor
    outside: Tensor

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        coarse = torch.from_numpy(hierarchy.fine_to_coarse)
        member = F.one_hot(coarse, len(hierarchy.coarse)).bool().T
        self.register_buffer("fine_to_coarse", coarse)
        self.register_buffer("is_target", torch.from_numpy(hierarchy.is_target))
        self.register_buffer("outside", ~member)  # [M, N]

    def forward(self, logits: Logits, label: Tensor, smoothing: Tensor) -> Tensor:
        """Losses of each sequence.

        Args:
            logits: outputs of the three heads.
            label: [R, B] fine ids.
            smoothing: [R] label smoothing of both cross entropies.

        Returns:
            [R, B, 4] in the order of `model.config.TERMS`.
        """
        log_fine = at_least_fp32(logits.fine).log_softmax(-1)
        log_coarse = at_least_fp32(logits.coarse).log_softmax(-1)
        binary = at_least_fp32(logits.binary)
        target = self.is_target[label].to(binary.dtype)
        return torch.stack(
            (
                smoothed_cross_entropy(log_fine, label, smoothing),
                F.binary_cross_entropy_with_logits(binary, target, reduction="none"),
                smoothed_cross_entropy(log_coarse, self.fine_to_coarse[label], smoothing),
                self.consistency(log_fine, log_coarse),
            ),
            dim=-1,
        )

    def consistency(self, log_fine: Tensor, log_coarse: Tensor) -> Tensor:
        """KL(coarse probabilities summed up from the fine head || coarse head's).

        [R, B, N] and [R, B, M] -> [R, B]; gradients flow through both.
        """
        inside = log_fine.unsqueeze(-2).masked_fill(self.outside, -torch.inf)
        log_summed = inside.logsumexp(-1)
        return (log_summed.exp() * (log_summed - log_coarse)).sum(-1)
