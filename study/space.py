"""A study's parameters as Optuna knows them."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from study.arms import ARMS, PARAMETERS, ArmName, Number

MAX_REPEAT = 9999


def distributions(arms: Sequence[ArmName]) -> dict[str, BaseDistribution]:
    """Distribution of every parameter that a trial of a study with these arms may have.

    They depend on nothing else: Optuna compares them from trial to trial, and a
    study whose grid is changed must still be one study.
    """
    names = {name for arm in arms for name in ARMS[arm].grid}
    return {
        "arm": CategoricalDistribution(tuple(arms)),
        "repeat": IntDistribution(0, MAX_REPEAT),
        **{name: _distribution(name) for name in PARAMETERS if name in names},
    }


def _distribution(name: str) -> BaseDistribution:
    parameter = PARAMETERS[name]
    if isinstance(parameter, Number):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    return CategoricalDistribution(tuple(parameter.settings))
