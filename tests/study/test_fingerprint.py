"""What must match when a study goes on, and what is told when it does not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model
from study.config import StudyConfig
from study.fingerprint import (
    Fingerprint,
    commit,
    differences,
    environment,
    fingerprint,
    identity_of,
    model_hash,
    warnings,
)


def made_of(**changed: object) -> Fingerprint:
    config = StudyConfig.model_validate(changed)
    return Fingerprint(identity_of(config), "d" * 64, "m" * 64, {"host": "a", "packages": {}})


def test_the_same_study_has_no_differences() -> None:
    config = StudyConfig()
    one, two = (fingerprint(config, "d", "cpu") for _ in range(2))
    assert one.config_hash == two.config_hash
    assert differences(one, two) == warnings(one, two) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"training": {"epochs": 9}}, "configuration: training.epochs was 30, is now 9"),
        ({"subjects": 8}, "configuration: subjects was null, is now 8"),
        ({"network": "base"}, "configuration: network.width was 32, is now 128"),
        ({"loss": {"alpha": 0.6}}, "configuration: loss.alpha was 0.5, is now 0.6"),
        (
            {"grid": {"direct": {"lr_multiplier": [1]}}},
            "configuration: grid.direct.lr_multiplier was [0.1, 1.0, 10.0, 100.0], is now [1.0]",
        ),
        (
            {"arms": ["fixed"]},
            'configuration: arms was ["fixed", "uncertainty", "direct", "direct_anchored", '
            '"equal"], is now ["fixed"]',
        ),
    ],
)
def test_a_changed_setting_is_named(changed: dict[str, Any], expected: str) -> None:
    before, now = made_of(), made_of(**changed)
    found = differences(before, now)
    assert expected in found
    assert len(found) == 1 or "network" in changed
    assert before.config_hash != now.config_hash


def test_where_the_data_lies_does_not_matter_but_what_they_hold_does() -> None:
    before, moved = made_of(), made_of(data="elsewhere/table.toml")
    assert differences(before, moved) == []
    assert before.config_hash == moved.config_hash
    (told,) = differences(before, replace(moved, data_hash="e"))
    assert "data: the content" in told
    assert "elsewhere/table.toml" in told


def test_grids_of_arms_that_are_not_in_the_study_do_not_matter() -> None:
    grid = {"direct": {"lr_multiplier": [5]}}
    before, now = made_of(arms="fixed"), made_of(arms="fixed", grid=grid)
    assert before.config_hash == now.config_hash
    assert differences(before, now) == []


def test_a_study_without_a_pruner_is_what_it_was_before_there_were_any() -> None:
    settings = StudyConfig(arms=("fixed",)).model_dump(mode="json")
    grid = {"fixed": settings["grid"]["fixed"]}
    before = {
        key: value for key, value in settings.items() if key not in ("pruning", "verdict")
    } | {"grid": grid}
    now = made_of(arms="fixed")
    assert now.config == before
    assert differences(replace(now, config=before), now) == []


def test_a_pruner_is_part_of_what_a_study_is() -> None:
    before, now = made_of(), made_of(pruning={"pruner": "within_arm"})
    told = [line.split(": ", 1)[1] for line in differences(before, now)]
    assert told == [
        'pruning.pruner was not set, is now "within_arm"',
        "pruning.quantile was not set, is now 0.5",
        "pruning.after was not set, is now 0.5",
        "pruning.min_trials was not set, is now 4",
    ]
    stricter = made_of(pruning={"pruner": "within_arm", "quantile": 0.75})
    expected = ["configuration: pruning.quantile was 0.5, is now 0.75"]
    assert differences(now, stricter) == expected
    assert len({made.config_hash for made in (before, now, stricter)}) == 3


def test_a_setting_that_only_one_version_knows_is_told() -> None:
    before = made_of()
    now = replace(before, config={**before.config, "new": 3})
    assert differences(before, now) == ["configuration: new was not set, is now 3"]
    assert differences(now, before) == ["configuration: new was 3, is now not set"]


def test_model_code_must_match() -> None:
    (told,) = differences(made_of(), replace(made_of(), model_hash="n" * 64))
    assert "code: the package model" in told


def test_surroundings_are_only_warned_of() -> None:
    before = made_of()
    now = replace(before, environment={"host": "b", "packages": {"torch": "3"}})
    assert differences(before, now) == []
    assert warnings(before, now) == [
        'host was "a", is now "b"',
        'packages.torch was not set, is now "3"',
    ]


def test_model_hash_sees_names_and_contents_and_no_caches(tmp_path: Path) -> None:
    package = tmp_path / "model"
    (package / "data").mkdir(parents=True)
    (package / "a.py").write_text("x = 1\n")
    (package / "data" / "b.py").write_text("y = 1\n")
    first = model_hash(package)

    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"cache")
    assert model_hash(package) == first
    moved = package.rename(tmp_path / "elsewhere")
    assert model_hash(moved) == first

    (moved / "a.py").write_text("x = 2\n")
    changed = model_hash(moved)
    (moved / "a.py").write_text("x = 1\n")
    (moved / "a.py").rename(moved / "c.py")
    assert len({first, changed, model_hash(moved)}) == 3


def test_model_hash_is_that_of_the_package_at_hand() -> None:
    assert model_hash() == model_hash(Path(model.__file__).parent)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=e@x")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_is_that_of_this_checkout_only(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    (tmp_path / "inner").mkdir()
    (tmp_path / "file").write_text("1")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(tmp_path) == head
    assert commit(tmp_path / "inner") is None, "installed inside somebody else's checkout"
    (tmp_path / "file").write_text("2")
    assert commit(tmp_path) == f"{head}-dirty"


def test_environment_is_plain_json_with_versions() -> None:
    found = environment("cpu")
    assert found["device"] == "cpu"
    assert found["packages"]["torch"]
    assert found["packages"]["optuna"].startswith("5.")


def test_what_a_trial_is_trained_by_has_no_grid_arms_or_verdict() -> None:
    made = [
        made_of(arms="fixed"),
        made_of(arms="fixed,direct"),
        made_of(verdict={"rope": 0.01}),
        made_of(pruning={"pruner": "within_arm"}),
    ]
    assert len({one.training_hash for one in made}) == 1
    assert len({one.config_hash for one in made}) == 4
    assert made_of(folds=4).training_hash != made[0].training_hash
