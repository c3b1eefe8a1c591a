"""Real trainings of the smallest size, and runs that go on where they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.real_verdict import command, judged, runner, trained
from benchmarks.real_verdict.comparisons import KINDS, Comparison, Setup, planned
from benchmarks.real_verdict.trained import context_of, train
from model.data.folds import SPLITS

SMOKE = Setup("smoke")
FLAGS = ["--preset", "smoke", "--pairs", "2", "--jobs", "1", "--output"]


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, Any]]:
    chosen = planned(KINDS, 1)
    torch.set_num_threads(1)
    return {one.name: train(one, SMOKE) for one in (chosen[0], chosen[-1])}


def stored(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """As if all comparisons of two pairs were done."""
    aa, known = records["aa/000"], records["known/heads_off"]
    return {"aa/000": aa, "aa/001": aa, "known/alpha_05": known, "known/heads_off": known}


def test_names_of_one_arm_share_splits_and_nothing_else() -> None:
    (pair,) = planned(["aa"], 1)
    context = context_of(pair, SMOKE)
    for theirs, ours in pair.repeats(2):
        assert theirs == ours + SPLITS
        for first, second in zip(*map(context.streams.of_repeat, (theirs, ours)), strict=True):
            np.testing.assert_array_equal(first.test, second.test)
            assert not context.initial(first).equal(context.initial(second))
            assert first.dropout_key != second.dropout_key
            assert not np.array_equal(first.drawn(0, 64), second.drawn(0, 64))


def test_crippled_arms_share_the_seeds_too() -> None:
    assert all(one.repeats(2) == [(1, 1), (2, 2)] for one in planned(["known"], 0))


def test_each_pair_has_subjects_and_seeds_of_its_own() -> None:
    names = [f"{i:02}" for i in range(38)]
    pairs = planned(KINDS, 24)
    drawn = [one.subjects(names, 16, 0) for one in pairs]
    assert all(len(set(of)) == 16 for of in drawn)
    assert len({tuple(of) for of in drawn}) == len(pairs)
    assert len({one.training_seed(0) for one in pairs}) == len(pairs)
    assert drawn == [one.subjects(names[::-1], 16, 0) for one in pairs]


def test_a_pair_is_trained_and_its_record_is_whole(records: dict[str, dict[str, Any]]) -> None:
    of = records["aa/000"]
    assert len(of["subjects"]) == 6
    arm, against = np.array(of["arm"]), np.array(of["against"])
    assert arm.shape == against.shape == np.array(of["test_sizes"]).shape == (2, 2)
    assert (arm != against).all()
    pooled = of["pooled"]
    assert pooled["low"] < pooled["difference"] < pooled["high"]
    assert pooled["difference"] == pytest.approx((arm - against).mean(), abs=0.05)
    assert json.loads(json.dumps(of)) == of


def test_a_side_against_itself_differs_by_nothing() -> None:
    (pair,) = planned(["aa"], 1)
    same = type(pair)(pair.kind, pair.number, pair.name, pair.arm, apart=0)
    of = train(same, SMOKE)
    np.testing.assert_allclose(of["arm"], of["against"], atol=1e-6)


def test_a_run_trains_what_is_left(
    records: dict[str, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    done = stored(records) | {"aa/001": records["aa/000"] | {"marked": True}}
    del done["aa/000"]
    runner.write(file, {"settings": runner.settings_of(SMOKE), "comparisons": done})
    code = command.main([*FLAGS, str(file)])
    out, err = capsys.readouterr()
    made = runner.read(file)["comparisons"]
    assert list(made) == sorted(done | {"aa/000": {}})
    assert made["aa/001"]["marked"]
    np.testing.assert_array_equal(made["aa/000"]["arm"], records["aa/000"]["arm"])
    assert "4 comparisons, 1 to train" in err
    assert "aa/000: 1 of 1" in err
    assert "| aa/000 |" in out
    assert code == (1 if judged.faults(runner.read(file)) else 0)
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError(), None)])
def test_what_is_done_is_kept_and_not_done_again(
    error: BaseException,
    code: int | None,
    records: dict[str, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def third_fails(one: Comparison, _: Setup) -> dict[str, Any]:
        asked.append(one.name)
        if len(asked) == 3:
            raise error
        return stored(records)[one.name]

    monkeypatch.setattr(trained, "train", third_fails)
    flags = [*FLAGS, str(tmp_path / "f.json")]
    if code is None:
        with pytest.raises(type(error)):
            command.main(flags)
    else:
        assert command.main(flags) == code
    assert sorted(runner.read(tmp_path / "f.json")["comparisons"]) == sorted(asked[:2])
    command.main(flags)
    assert asked == ["known/heads_off", "known/alpha_05", "aa/000", "aa/000", "aa/001"]
    assert runner.read(tmp_path / "f.json")["comparisons"] == stored(records)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_is_done_trains_nothing(
    jobs: int, records: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    results = {"settings": runner.settings_of(SMOKE), "comparisons": stored(records)}
    runner.write(tmp_path / "f.json", results)
    assert runner.run(planned(KINDS, 2), SMOKE, tmp_path / "f.json", jobs) == results


@pytest.mark.slow
def test_processes_find_the_same_as_this_one(
    records: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    made = runner.run(planned(["aa"], 2), SMOKE, tmp_path / "f.json", jobs=2)["comparisons"]
    assert sorted(made) == ["aa/000", "aa/001"]
    np.testing.assert_allclose(made["aa/000"]["arm"], records["aa/000"]["arm"])


def test_results_of_other_settings_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    settings = runner.settings_of(SMOKE) | {"model_hash": "other", "epochs": 3}
    runner.write(file, {"settings": settings, "comparisons": {}})
    assert command.main([*FLAGS, str(file)]) == 2
    assert "results of another epochs, another model_hash" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"settings": 1, "comparisons": {}}'])
def test_files_that_hold_no_results_are_told(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    file.write_text(content)
    assert command.main([*FLAGS, str(file)]) == 2
    assert "expected what `python -m benchmarks.real_verdict` writes" in capsys.readouterr().err
    assert file.read_text() == content


def test_mistakes_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "no" / "f.json")
    assert command.main(["bb", "--pairs", "1", "--jobs", "0", "--output", nowhere]) == 2
    said = capsys.readouterr().err
    assert "expected aa or known, found 'bb'" in said
    assert "--pairs: expected a whole number of at least 2, found 1" in said
    assert "--jobs: expected a whole number of at least 1, found 0" in said
    assert "is no folder" in said
