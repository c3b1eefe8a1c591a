from __future__ import annotations

import math
from itertools import islice, pairwise

import pytest

from benchmarks import warm_start
from benchmarks.first_step import Hook, UntilFirstStep, until_first_step
from model.module import StackModule
from model.outcomes import TrialDropped
from study.config import StudyConfig
from study.presets import PRESETS

SMOKE = StudyConfig.model_validate(PRESETS["smoke"])


def test_no_trial_is_of_the_arm_before() -> None:
    schemes = [trial.loss.auto_weighting for trial in islice(warm_start.trials(SMOKE), 9)]
    assert set(schemes) == {"none", "uncertainty", "direct", "direct_anchored"}
    assert all(one != next_ for one, next_ in pairwise(schemes))


@pytest.mark.parametrize("hook", [warm_start.BEGINS, warm_start.ENDED])
def test_trials_end_at_the_first_step(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    trained = StackModule.optimizer_step

    def counted(module: StackModule, *args: object, **kwargs: object) -> None:
        trained(module, *args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        steps.append(module)

    monkeypatch.setattr(StackModule, "optimizer_step", counted)
    monkeypatch.setattr(StackModule, hook, getattr(StackModule, hook))  # put back afterwards
    trainer = until_first_step(UntilFirstStep(SMOKE, hook), "cpu")
    for trial in islice(warm_start.trials(SMOKE), 2):
        (outcome,) = trainer([trial], lambda _: ())
        assert outcome == TrialDropped(trial.key, 0, 0.0)
    assert len(steps) == (0 if hook == warm_start.BEGINS else 2)


@pytest.mark.slow
def test_a_row() -> None:
    row = warm_start.measure(repeats=1, config=SMOKE, warmups=0)
    assert row.ratio is not None
    assert row.must == 50
    assert 1 < row.ratio.median < math.inf
    assert 1 < row.details["with_the_step"]["ratio"] < math.inf
