"""What trials of each arm are told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.config import LossConfig
from model.weighting.registry import SCHEMES, scheme
from model.weighting.stepwise import StepwiseWeighting
from study.arms import (
    ARMS,
    BASELINE_ARM,
    DEFAULT_ARMS,
    PARAMETERS,
    declared_params,
    grid_params,
    loss_config,
)
from study.config import StudyConfig
from study.grid import GridConfig
from study.space import distributions

BASELINE = LossConfig()
SPACE = distributions(list(ARMS))
COUNTS = {"fixed": 64, "uncertainty": 8, "direct": 4, "direct_anchored": 9, "equal": 1}
COUNTS |= {"random": 1, "dwa": 3, "uw_so": 3}


def params_of(arm: str, baseline: LossConfig = BASELINE) -> list[dict[str, float | str]]:
    return [dict(params) for params in grid_params(arm, GridConfig({})[arm], baseline)]


@pytest.mark.parametrize("arm", ARMS)
def test_grid_has_every_combination_once(arm: str) -> None:
    cells = params_of(arm)
    assert len(cells) == COUNTS[arm]
    assert len({tuple(cell.items()) for cell in cells}) == len(cells)
    assert all(list(cell) == list(ARMS[arm].grid) for cell in cells), "one order of parameters"


@pytest.mark.parametrize(
    ("arm", "declared"),
    [
        ("fixed", {"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1}),
        ("uncertainty", {"s_init": "zero", "lr_multiplier": 0.1}),
        ("direct", {"lr_multiplier": 0.1}),
        ("direct_anchored", {"lr_multiplier": 10.0, "rho": 1.0}),
        ("equal", {}),
        ("random", {}),
        ("dwa", {"temperature": 2.0}),
        ("uw_so", {"temperature": 1.0}),
    ],
)
def test_declared_cell(arm: str, declared: dict[str, float | str]) -> None:
    assert declared_params(arm, BASELINE) == declared
    assert declared in params_of(arm)


def test_declared_cell_of_fixed_is_the_baseline_whatever_it_is() -> None:
    baseline = LossConfig(alpha=0.6, kl_weight=0.3)
    assert loss_config(BASELINE_ARM, declared_params(BASELINE_ARM, baseline), baseline) == baseline


@pytest.mark.parametrize("arm", ARMS)
def test_every_cell_gets_its_scheme_and_its_values(arm: str) -> None:
    for params in params_of(arm):
        loss = loss_config(arm, params, BASELINE)
        assert loss.auto_weighting == ARMS[arm].scheme
        changed = {PARAMETERS[name].field for name in params} | {"auto_weighting"}
        assert loss.model_dump(exclude=changed) == BASELINE.model_dump(exclude=changed)
        for name, value in params.items():
            assert getattr(loss, PARAMETERS[name].field) == PARAMETERS[name].setting(value)


def test_parameters_by_name() -> None:
    fixed = {"alpha": 0.3, "nine_class_weight": 0.0, "kl_weight": 0.05}
    assert loss_config("fixed", fixed, BASELINE) == LossConfig(
        alpha=0.3, nine_class_loss_weight=0.0, kl_weight=0.05
    )
    for s_init, start in (("zero", 0.0), ("matched", "matched")):
        uncertain = loss_config("uncertainty", {"s_init": s_init, "lr_multiplier": 10.0}, BASELINE)
        assert uncertain.uncertainty_init_value == start
        assert uncertain.lr_multiplier == 10.0


def test_without_its_head_no_two_cells_train_alike() -> None:
    baseline = LossConfig(nine_class_head_enabled=False)
    weights = [
        tuple(loss_config("fixed", params, baseline).fixed_weights.items())
        for params in params_of("fixed", baseline)
    ]
    assert len(weights) == len(set(weights)) == 4
    assert declared_params("fixed", baseline) in params_of("fixed", baseline)


@pytest.mark.parametrize("arm", ARMS)
def test_registries_agree(arm: str) -> None:
    entry = ARMS[arm]
    assert entry.scheme in SCHEMES
    assert set(entry.declared) <= set(entry.grid)
    for name, values in entry.grid.items():
        assert PARAMETERS[name].field in LossConfig.model_fields
        assert all(PARAMETERS[name].admits(value) for value in values)


@given(st.sampled_from(sorted(PARAMETERS)), st.floats() | st.text() | st.booleans() | st.none())
def test_what_a_parameter_admits_loss_config_and_optuna_admit(name: str, value: object) -> None:
    parameter = PARAMETERS[name]
    if not parameter.admits(value):
        return
    assert isinstance(value, float | str)
    arm = next(arm for arm, entry in ARMS.items() if name in entry.grid)
    loss_config(arm, {name: value}, BASELINE)
    assert SPACE[name]._contains(SPACE[name].to_internal_repr(value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1, True, "0.5", None])
def test_alpha_admits_numbers_from_0_to_1(value: object) -> None:
    assert not PARAMETERS["alpha"].admits(value)


def test_distributions_cover_every_trial_and_nothing_of_absent_arms() -> None:
    space = distributions(["fixed", "uncertainty"])
    assert set(space) == {
        "arm", "repeat", "alpha", "nine_class_weight", "kl_weight", "s_init", "lr_multiplier",
    }  # fmt: skip
    for arm in ("fixed", "uncertainty"):
        for params in params_of(arm):
            for name, value in {"arm": arm, "repeat": 3, **params}.items():
                assert space[name]._contains(space[name].to_internal_repr(value))
    assert not space["arm"].single()


def test_a_study_has_controls_only_when_told() -> None:
    assert StudyConfig().arms == DEFAULT_ARMS
    assert set(ARMS) - set(DEFAULT_ARMS) == {"random", "dwa", "uw_so"}
    assert DEFAULT_ARMS == ("fixed", "uncertainty", "direct", "direct_anchored", "equal")


def test_controls_learn_nothing() -> None:
    """The report takes an arm with a learning rate of its own for a learned one."""
    assert not any("lr_multiplier" in ARMS[arm].grid for arm in ("equal", "random", "dwa", "uw_so"))


def test_each_temperature_reaches_its_scheme() -> None:
    for arm in ("dwa", "uw_so"):
        for temperature in (0.5, 7.0):
            assert loss_config(arm, {"temperature": temperature}, BASELINE).temperature == (
                temperature
            )
        own = scheme(ARMS[arm].scheme)([loss_config(arm, {}, BASELINE)], (18, 2, 9))
        assert isinstance(own, StepwiseWeighting)
        assert own.temperature.tolist() == [[ARMS[arm].declared["temperature"]]]
