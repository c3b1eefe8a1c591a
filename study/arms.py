"""What each arm of a study varies, its declared cell, and the losses its trials get.

An arm is one entry of ARMS: a weighting scheme, the parameters its trials vary
and the values tried of each. A parameter is one entry of PARAMETERS: the field
of `LossConfig` it sets and the values it admits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from model.config import LossConfig
from model.data.spelling import did_you_mean

ParamValue = float | str
Params = Mapping[str, ParamValue]
ParamGrid = Mapping[str, tuple[ParamValue, ...]]
"""The values tried of each parameter, in the order in which a trial names them."""


@dataclass(frozen=True)
class Number:
    """A parameter that is a number from low to high, both included."""

    field: str
    """Of LossConfig."""
    low: float
    high: float
    log: bool = False
    """Whether it is thought of by its logarithm."""
    of_coarse_head: bool = False
    """Whether it means nothing when the nine_class head is off."""

    @property
    def expected(self) -> str:
        """The values it admits, in words."""
        return f"a number from {self.low:g} to {self.high:g}"

    def admits(self, value: object) -> bool:
        """Whether a trial may have this value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high

    def setting(self, value: ParamValue) -> ParamValue:
        """What LossConfig gets for it."""
        return value


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of a few names, each standing for a value in LossConfig."""

    field: str
    settings: Mapping[str, ParamValue]
    of_coarse_head: bool = False

    @property
    def expected(self) -> str:
        """The values it admits, in words."""
        return f"one of {', '.join(self.settings)}"

    def admits(self, value: object) -> bool:
        """Whether a trial may have this value."""
        return isinstance(value, str) and value in self.settings

    def setting(self, value: ParamValue) -> ParamValue:
        """What LossConfig gets for it."""
        return self.settings[str(value)]


PARAMETERS: Mapping[str, Number | Choice] = {
    "alpha": Number("alpha", 0, 1),
    "nine_class_weight": Number("nine_class_loss_weight", 0, 100, of_coarse_head=True),
    "kl_weight": Number("kl_weight", 0, 100, of_coarse_head=True),
    "s_init": Choice("uncertainty_init_value", {"zero": 0.0, "matched": "matched"}),
    "lr_multiplier": Number("lr_multiplier", 1e-6, 1e6, log=True),
    "rho": Number("rho", 1e-6, 1e6, log=True),
    "temperature": Number("temperature", 1e-6, 1e6, log=True),
}
"""Every parameter of a trial by name. Ranges are wide: a study in being cannot widen them."""


@dataclass(frozen=True)
class Arm:
    """One way to weigh the losses."""

    scheme: str
    """LossConfig.auto_weighting."""
    grid: ParamGrid = field(default_factory=dict)
    """Values tried of each parameter unless the configuration names others."""
    declared: Params = field(default_factory=dict)
    """The cell that stands for the arm; what it leaves out comes from the baseline."""


ARMS: Mapping[str, Arm] = {
    "fixed": Arm(
        scheme="none",
        grid={
            "alpha": (0.3, 0.5, 0.7, 0.9),
            "nine_class_weight": (0.0, 0.1, 0.2, 0.5),
            "kl_weight": (0.0, 0.05, 0.1, 0.2),
        },
    ),
    "uncertainty": Arm(
        scheme="uncertainty",
        grid={"s_init": ("zero", "matched"), "lr_multiplier": (0.1, 1.0, 10.0, 100.0)},
        declared={"s_init": "zero", "lr_multiplier": 0.1},
    ),
    "direct": Arm(
        scheme="direct",
        grid={"lr_multiplier": (0.1, 1.0, 10.0, 100.0)},
        declared={"lr_multiplier": 0.1},
    ),
    "direct_anchored": Arm(
        scheme="direct_anchored",
        grid={"lr_multiplier": (1.0, 10.0, 100.0), "rho": (0.3, 1.0, 3.0)},
        declared={"lr_multiplier": 10.0, "rho": 1.0},
    ),
    "equal": Arm(scheme="equal"),
    "random": Arm(scheme="random"),
    "dwa": Arm(
        scheme="dwa",
        grid={"temperature": (1.0, 2.0, 5.0)},
        declared={"temperature": 2.0},
    ),
    "uw_so": Arm(
        scheme="uw_so",
        grid={"temperature": (1.0, 10.0, 100.0)},
        declared={"temperature": 1.0},
    ),
}
DEFAULT_ARMS = ("fixed", "uncertainty", "direct", "direct_anchored", "equal")
"""What a study compares unless told otherwise; the rest are controls to ask for."""
BASELINE_ARM = "fixed"
"""The arm whose declared cell is the baseline that all others are measured against."""


def _known(name: str) -> str:
    if name in ARMS:
        return name
    raise PydanticCustomError(
        "unknown_arm",
        "expected one of {known}; found '{name}'{hint}",
        {"known": ", ".join(ARMS), "name": name, "hint": did_you_mean(name, ARMS)},
    )


ArmName = Annotated[str, AfterValidator(_known)]
"""A name in ARMS."""


def declared_params(arm: ArmName, baseline: LossConfig) -> Params:
    """Parameters of the arm's declared cell; those of `fixed` are the baseline's weights."""
    entry = ARMS[arm]
    return {name: entry.declared.get(name, _of(baseline, name)) for name in entry.grid}


def grid_params(arm: ArmName, grid: ParamGrid, baseline: LossConfig) -> tuple[Params, ...]:
    """Every combination of an arm's values, the last parameter changing fastest.

    Args:
        arm: a name in ARMS.
        grid: the values tried of each of its parameters.
        baseline: the study's losses. Without its nine_class head, the weights of the
            terms that go with it stay as they are: no two cells train alike.
    """
    tried = [
        (_of(baseline, name),) if _idle(name, baseline) else grid[name] for name in ARMS[arm].grid
    ]
    return tuple(dict(zip(ARMS[arm].grid, values, strict=True)) for values in product(*tried))


def loss_config(arm: ArmName, params: Params, baseline: LossConfig) -> LossConfig:
    """Losses of one trial: the baseline's, with the arm's scheme and the trial's parameters.

    Raises:
        pydantic.ValidationError: a value that LossConfig does not admit.
    """
    changed = {PARAMETERS[name].field: PARAMETERS[name].setting(params[name]) for name in params}
    scheme = {"auto_weighting": ARMS[arm].scheme}
    return LossConfig.model_validate(baseline.model_dump() | scheme | changed)


def _idle(name: str, baseline: LossConfig) -> bool:
    return PARAMETERS[name].of_coarse_head and not baseline.nine_class_head_enabled


def _of(baseline: LossConfig, name: str) -> ParamValue:
    value: ParamValue = getattr(baseline, PARAMETERS[name].field)
    return value
