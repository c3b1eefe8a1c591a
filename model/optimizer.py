"""AdamW, gradient clip and learning-rate schedule, each per replica.

Notation: R replicas, P parameters of one; learned scalars are [n, k] for the n
rows of the stack that share a scheme.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from model.config import TrainingConfig


class ReplicaAdamW(torch.optim.AdamW):
    """AdamW (Loshchilov and Hutter 2019) with a factor on the learning rate of each row.

    An AdamW step is proportional to the learning rate, decay included, so a
    row's factor scales what the step changed.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, object]],
        row_factor: Mapping[nn.Parameter, Tensor],
        *,
        lr: float,
    ) -> None:
        """`groups` as torch's; `row_factor` has [n, 1] for parameters whose rows differ."""
        super().__init__(list(groups), lr=lr, fused=True)
        self.row_factor = dict(row_factor)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch's overloads say the same in more words
        """Take one step with the gradients at hand."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        before = {parameter: parameter.clone() for parameter in self.row_factor}
        super().step()
        for parameter, factor in self.row_factor.items():
            start = before[parameter]
            parameter.copy_(torch.addcmul(start, factor, parameter - start))
        return loss

    @torch.no_grad()
    def keep(self, rows: Mapping[nn.Parameter, Tensor]) -> None:
        """Keep the given rows [m] of each parameter's state; the parameters are cut already."""
        for parameter, kept in rows.items():
            for name, value in self.state[parameter].items():
                if isinstance(value, Tensor) and value.dim() > 0:
                    self.state[parameter][name] = value[kept]
            if parameter in self.row_factor:
                self.row_factor[parameter] = self.row_factor[parameter][kept]


@torch.no_grad()
def clip_per_replica(
    network: nn.Parameter, scalars: Sequence[tuple[Tensor, nn.Parameter]], max_norm: float
) -> Tensor:
    """Scale each replica's gradient down to a norm of `max_norm` at most, in place.

    The norm of a replica covers its row of the network, [R, P], and its learned
    scalars. A gradient that is not finite is set to 0.

    Args:
        network: the flat parameter.
        scalars: (rows [n], parameter [n, k]) of each scheme that learns.
        max_norm: largest norm.

    Returns:
        [R] bool, replicas whose gradient was finite.
    """
    assert network.grad is not None
    square = network.grad.square().sum(1)
    for rows, parameter in scalars:
        if parameter.grad is not None:
            square = square.index_add(0, rows, parameter.grad.square().sum(1).to(square.dtype))
    finite = square.isfinite()
    scale = (max_norm / (square.sqrt() + 1e-6)).clamp_max(1.0)
    _scale_rows(network.grad, scale, finite)
    for rows, parameter in scalars:
        if parameter.grad is not None:
            _scale_rows(parameter.grad, scale[rows].to(parameter.dtype), finite[rows])
    return finite


def _scale_rows(gradient: Tensor, scale: Tensor, finite: Tensor) -> None:
    gradient.mul_(scale.unsqueeze(1)).masked_fill_(~finite.unsqueeze(1), 0.0)


def cosine_with_warmup(training: TrainingConfig, steps: int) -> Callable[[int], float]:
    """Factor on the learning rate at each of `steps` steps: linear rise, cosine to 0."""
    warmup = round(training.warmup * steps)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    return factor
