"""When a confirmation stops, and that it goes on as it began."""

from __future__ import annotations

import json

import pytest

from study.config import RunOptions, StudyConfig
from study.errors import UsageError
from study.stopping import MOST_REPEATS, Stopping, of_json, of_options, require_same
from study.verdict.racing import MOST

CONFIG = StudyConfig.model_validate({"verdict": {"rope": 0.01}})
FIXED = Stopping((2,), 0.01, races=False)
RACE = Stopping((2, 5, 10), 0.01, races=True)


def of(**options: object) -> Stopping | None:
    return of_options(CONFIG, RunOptions.model_validate({"n_trials": 1} | options))


def test_what_a_command_asks_for() -> None:
    assert of() is None
    assert of(confirm=2) == FIXED
    assert of(until_decided=True) == RACE
    assert RACE.looks[-1] == MOST_REPEATS
    assert of(until_decided=True, confirm=3) == Stopping((2, 3), 0.01, races=True)


def test_noise_can_double_the_repeats_of_a_race() -> None:
    assert FIXED.most == 2
    assert RACE.most == 10 * MOST


@pytest.mark.parametrize("stopping", [FIXED, RACE])
def test_it_is_read_as_it_was_written(stopping: Stopping) -> None:
    assert of_json(json.loads(json.dumps(stopping.as_json()))) == stopping


def test_a_study_that_confirmed_nothing_has_none() -> None:
    assert of_json(None) is None


@pytest.mark.parametrize(
    ("stored", "asked"), [(FIXED, FIXED), (FIXED, Stopping((7,), 0.01, races=False)), (RACE, RACE)]
)
def test_the_same_goes_on_and_a_fixed_number_may_grow(stored: Stopping, asked: Stopping) -> None:
    require_same(stored, asked)


@pytest.mark.parametrize(
    ("stored", "asked", "message"),
    [
        (RACE, FIXED, "--confirm: expected --until-decided, with which the confirmation"),
        (FIXED, RACE, "--until-decided: expected --confirm 2, with which the confirmation"),
        (
            RACE,
            Stopping((2, 3), 0.01, races=True),
            "--confirm: expected 10, the repeats of the last look when this race began "
            "(looks at 2, 5, 10), found 3",
        ),
    ],
)
def test_another_way_to_stop_is_refused(stored: Stopping, asked: Stopping, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_same(stored, asked)
    (fault,) = caught.value.faults
    assert message in fault
