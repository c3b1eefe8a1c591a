"""Every weighting scheme by the name that LossConfig.auto_weighting uses.

A scheme is named by module and class and imported when it is first used, so
that names can be checked without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.weighting.base import Weighting

SCHEMES: dict[str, str] = {
    "none": "model.weighting.fixed:Fixed",
    "uncertainty": "model.weighting.uncertainty:Uncertainty",
    "direct": "model.weighting.direct:Direct",
    "direct_anchored": "model.weighting.direct_anchored:DirectAnchored",
    "equal": "model.weighting.equal:Equal",
    "random": "model.weighting.random:Random",
    "dwa": "model.weighting.dwa:DynamicWeightAverage",
    "uw_so": "model.weighting.uw_so:SoftOptimalUncertainty",
}


def scheme(name: str) -> type[Weighting]:
    """Import the scheme of that name; a name not in SCHEMES is a KeyError."""
    module, _, attribute = SCHEMES[name].partition(":")
    found: type[Weighting] = getattr(import_module(module), attribute)
    return found
