"""The order of cells."""

from __future__ import annotations

import json
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from model.config import LossConfig
from study.arms import ARMS, declared_params
from study.config import StudyConfig
from study.plan import Cell, plan

numbers = st.floats(0, 100, allow_nan=False)
params = st.dictionaries(st.sampled_from(["alpha", "kl_weight", "rho"]), numbers)
arm_lists = st.lists(st.sampled_from(sorted(ARMS)), min_size=1, unique=True)


@st.composite
def configs(draw: st.DrawFn) -> StudyConfig:
    values = st.lists(numbers.map(lambda x: round(x / 100, 2)), min_size=1, max_size=4, unique=True)
    multipliers = st.lists(st.floats(0.01, 1000), min_size=1, max_size=5, unique=True)
    return StudyConfig.model_validate(
        {
            "seed": draw(st.integers(0, 2**63 - 1)),
            "arms": draw(arm_lists),
            "grid": {
                "fixed": {"alpha": draw(values), "kl_weight": draw(values)},
                "direct": {"lr_multiplier": draw(multipliers)},
            },
            "loss": {"nine_class_head_enabled": draw(st.booleans())},
        }
    )


@given(configs())
def test_every_cell_once_and_declared_cells_first(config: StudyConfig) -> None:
    cells = plan(config)
    assert len({cell.hash for cell in cells}) == len(set(cells)) == len(cells)
    first = cells[: len(config.arms)]
    assert {(c.arm, c) for c in first} == {
        (arm, Cell(arm, declared_params(arm, config.loss))) for arm in config.arms
    }
    if "fixed" in config.arms:
        assert first[0].arm == "fixed"


@given(configs())
def test_arms_take_turns_until_they_run_out(config: StudyConfig) -> None:
    rest = plan(config)[len(config.arms) :]
    left = {arm: sum(cell.arm == arm for cell in rest) for arm in config.arms}
    turn = 0
    while any(left.values()):
        expected = [arm for arm in config.arms if left[arm]]
        assert [cell.arm for cell in rest[turn : turn + len(expected)]] == expected
        turn += len(expected)
        for arm in expected:
            left[arm] -= 1
    assert turn == len(rest)


@given(configs(), arm_lists)
def test_an_arms_order_depends_on_no_other_arm(config: StudyConfig, others: list[str]) -> None:
    arm = config.arms[0]
    arms = tuple(dict.fromkeys([*others, arm]))
    again = plan(config.model_copy(update={"arms": arms}))
    assert [c for c in again if c.arm == arm] == [c for c in plan(config) if c.arm == arm]


@given(configs(), st.floats(0.001, 0.009))
def test_a_value_more_leaves_the_order_of_the_others(config: StudyConfig, value: float) -> None:
    more = {"direct": {"lr_multiplier": [*config.grid["direct"]["lr_multiplier"], value]}}
    wider = StudyConfig.model_validate(config.model_dump() | {"grid": more, "arms": ["direct"]})
    before = plan(config.model_copy(update={"arms": ("direct",)}))
    assert [c for c in plan(wider) if c.params["lr_multiplier"] != value] == list(before)


@given(configs())
def test_the_same_study_has_the_same_plan(config: StudyConfig) -> None:
    again = StudyConfig.model_validate_json(config.model_dump_json())
    assert [cell.hash for cell in plan(again)] == [cell.hash for cell in plan(config)]


def test_plan_is_the_same_in_another_process() -> None:
    code = (
        "import json; from study.config import StudyConfig; from study.plan import plan;"
        "print(json.dumps([cell.hash for cell in plan(StudyConfig())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert json.loads(done.stdout) == [cell.hash for cell in plan(StudyConfig())]


def test_seeds_shuffle_and_every_grid_is_complete() -> None:
    one, two = plan(StudyConfig(seed=1)), plan(StudyConfig(seed=2))
    assert set(one) == set(two)
    assert one != two
    assert len(one) == 64 + 8 + 4 + 9 + 1


def test_hashes_are_pinned() -> None:
    """They name finished cells in databases: a change of these makes old studies start over."""
    baseline = {"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1}
    assert Cell("fixed", baseline).hash == "ddd30d91669bb749"
    assert Cell("equal").hash == "9f45b23469173415"


def test_baseline_outside_the_grid_comes_first_all_the_same() -> None:
    config = StudyConfig(loss=LossConfig(alpha=0.6))
    cells = plan(config)
    assert cells[0] == Cell("fixed", {"alpha": 0.6, "nine_class_weight": 0.2, "kl_weight": 0.1})
    assert sum(cell.arm == "fixed" for cell in cells) == 65


def test_without_fixed_there_is_no_baseline() -> None:
    config = StudyConfig(arms=("direct", "uncertainty"))
    assert [cell.arm for cell in plan(config)[:2]] == ["direct", "uncertainty"]


@given(params, st.integers(0, 99))
def test_order_and_type_of_numbers_do_not_matter(values: dict[str, float], repeat: int) -> None:
    cell = Cell("fixed", values, repeat)
    turned = {
        name: int(value) if value.is_integer() else value
        for name, value in reversed(values.items())
    }
    assert Cell("fixed", turned, repeat) == cell
    assert Cell("fixed", turned, repeat).hash == cell.hash


@given(params, params, st.integers(0, 3), st.integers(0, 3))
def test_only_equal_cells_share_a_hash(
    one: dict[str, float], two: dict[str, float], repeat: int, other: int
) -> None:
    first, second = Cell("fixed", one, repeat), Cell("fixed", two, other)
    assert (first.hash == second.hash) == (first == second)
    assert Cell("direct", one, repeat).hash != first.hash


def test_a_cell_in_words() -> None:
    assert str(Cell("fixed", {"alpha": 0.5, "kl_weight": 0.0})) == "fixed alpha=0.5 kl_weight=0"
    assert str(Cell("equal", {}, 2)) == "equal repeat=2"
