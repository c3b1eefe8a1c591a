"""Settings from presets, files, environment and flags, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from model.config import NETWORK_PRESETS, LossConfig
from study.arms import ARMS, loss_config
from study.config import RunOptions, StudyConfig
from study.errors import UsageError
from study.plan import plan
from study.presets import DEFAULT_PRESET, PRESETS
from study.run_arguments import RunParser
from study.sources import resolve


def resolved(*flags: str, **variables: str) -> StudyConfig:
    config, _ = resolve(RunParser().parse(["--n-trials", "3", *flags]), variables)
    return config


def faults(*flags: str, **variables: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        resolved(*flags, **variables)
    return list(caught.value.faults)


def toml(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_study_whose_plan_trains(name: str) -> None:
    config = resolved("--preset", name)
    assert config == StudyConfig.model_validate(PRESETS[name])
    for cell in plan(config):
        loss_config(cell.arm, cell.params, config.loss)


def test_quick_is_the_default_and_full_has_all_subjects_and_arms() -> None:
    assert DEFAULT_PRESET == "quick"
    assert resolved() == resolved("--preset", "quick")
    full = resolved("--preset", "full")
    assert (full.subjects, full.folds, full.training.epochs) == (None, 5, 30)
    assert full.arms == tuple(ARMS)


def test_flag_over_variable_over_file_over_preset(tmp_path: Path) -> None:
    file = toml(tmp_path, 'preset = "full"\nfolds = 7\nseed = 7\n[training]\nepochs = 7\n')
    config = resolved("--config", file, "--seed", "9", STUDY_TRAINING__EPOCHS="8", STUDY_SEED="8")
    assert (config.folds, config.training.epochs, config.seed) == (7, 8, 9)
    assert config.subjects is None, "of the preset that the file names"


def test_preset_flag_over_the_file_keeps_what_the_file_says(tmp_path: Path) -> None:
    file = toml(tmp_path, 'preset = "full"\nseed = 7\n')
    config = resolved("--config", file, "--preset", "smoke")
    assert (config.subjects, config.seed) == (PRESETS["smoke"]["subjects"], 7)


@pytest.mark.parametrize(
    "text", ['network = "base"', '[network]\npreset = "base"'], ids=["name", "table"]
)
def test_network_preset_replaces_all_of_the_preset_below(tmp_path: Path, text: str) -> None:
    config = resolved("--preset", "smoke", "--config", toml(tmp_path, text))
    assert config.network == NETWORK_PRESETS["base"]


def test_network_table_changes_its_preset(tmp_path: Path) -> None:
    file = toml(tmp_path, '[network]\npreset = "base"\nwidth = 64\n')
    config = resolved("--config", file, STUDY_NETWORK__DROPOUT="0.3")
    assert config.network == NETWORK_PRESETS["base"].model_copy(
        update={"width": 64, "dropout": 0.3}
    )
    assert resolved(STUDY_NETWORK="base", STUDY_NETWORK__WIDTH="64").network.width == 64


def test_all_subjects_can_be_asked_for(tmp_path: Path) -> None:
    assert resolved("--config", toml(tmp_path, 'subjects = "all"')).subjects is None
    assert resolved(STUDY_SUBJECTS="all").subjects is None


def test_arms_are_given_by_commas_or_as_a_list(tmp_path: Path) -> None:
    wanted = ("direct", "fixed")
    assert resolved("--arms", "direct, fixed").arms == wanted
    assert resolved(STUDY_ARMS='["direct", "fixed"]').arms == wanted
    assert resolved("--config", toml(tmp_path, 'arms = ["direct", "fixed"]')).arms == wanted


def test_grid_keeps_defaults_of_what_is_not_named(tmp_path: Path) -> None:
    config = resolved("--config", toml(tmp_path, "[grid.fixed]\nalpha = [0, 0.25]\n"))
    assert config.grid["fixed"] == {**ARMS["fixed"].grid, "alpha": (0, 0.25)}
    assert config.grid["direct"] == ARMS["direct"].grid
    assert config.grid["equal"] == {}


def test_data_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "table.toml").touch()
    file = toml(tmp_path, 'data = "table.toml"')
    assert resolved("--config", file).data == str(tmp_path / "table.toml")


def test_run_options_come_from_flags_and_some_from_variables() -> None:
    arguments = RunParser().parse(["--n-trials", "5", "--stack", "4", "--dry-run"])
    _, options = resolve(arguments, {"STUDY_WORKERS": "2", "STUDY_STACK": "8"})
    assert options == RunOptions(n_trials=5, stack=4, workers=2, dry_run=True)


def test_variables_of_others_are_left_alone() -> None:
    assert resolved(STUDY_STORAGE="x", STUDY_CACHE="y", STUDYING="z", HOME="h") == resolved()


def test_json_brings_a_configuration_back() -> None:
    config = resolved(STUDY_GRID__DIRECT__LR_MULTIPLIER="[1, 2.5]")
    assert StudyConfig.model_validate(config.model_dump(mode="json")) == config


def test_everything_wrong_in_every_source_comes_at_once(tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        'preset = "quik"\nfolds = 1\nworkers = 3\nepoch = 4\ntraining = 4\n'
        '[loss]\nkl_weigth = 1\nauto_weighting = "direct"\n'
        "[grid.fixed]\nalpha = [2, 0.5, 0.5]\nbeta = [1]\n[grid.dirct]\n[grid.direct]\nrho = [1]\n",
    )
    found = faults(
        "--config", file, "--data", "wisdm15", "--device", "gpu", "--arms", "fixd", "--stack", "0",
        "--epochs", "many",
        STUDY_FOLDZ="3", STUDY_NETWORK="bse", STUDY_N_TRIALS="1",
        STUDY_GRID__FIXED__KL_WEIGHT="[0.1",
    )  # fmt: skip
    known_arms = "fixed, uncertainty, direct, direct_anchored, equal"
    expected = {
        f"{file}: preset: expected one of smoke, quick, full, found 'quik'; did you mean 'quick'?",
        f"{file}: folds: expected a number greater than or equal to 2, found 1",
        f"{file}: workers: changes no result, so it is a flag: --workers",
        f"{file}: epoch: no such setting; did you mean 'training.epochs'?",
        f"{file}: training: expected a table, found 4",
        f"{file}: loss.kl_weigth: no such setting; did you mean 'loss.kl_weight'?",
        f"{file}: grid.fixed.alpha: expected a number from 0 to 1, found 2",
        f"{file}: grid.fixed.alpha: expected every value once, found 0.5 more often",
        f"{file}: grid.fixed.beta: expected a parameter of fixed "
        "(alpha, nine_class_weight, kl_weight)",
        f"{file}: grid.dirct: expected an arm with a grid "
        "(fixed, uncertainty, direct, direct_anchored); did you mean 'direct'?",
        f"{file}: grid.direct.rho: expected a parameter of direct (lr_multiplier)",
        "STUDY_FOLDZ: no such setting; did you mean 'STUDY_FOLDS'?",
        "STUDY_NETWORK: expected a network preset (tiny, base, reference) or a table, found 'bse'; "
        "did you mean 'base'?",
        "STUDY_GRID__FIXED__KL_WEIGHT: expected JSON after [ or {, found '[0.1': "
        "Expecting ',' delimiter: line 1 column 5 (char 4)",
        "STUDY_N_TRIALS: changes no result, so it is a flag: --n-trials",
        "--data: expected wisdm51, synthetic, a CMI folder or a TOML file, found 'wisdm15'; "
        "did you mean 'wisdm51'?",
        "--device: expected 'auto', 'cpu' or 'cuda', found 'gpu'; did you mean 'cpu'?",
        f"--arms: expected one of {known_arms}; found 'fixd'; did you mean 'fixed'?",
        "--stack: expected auto or a whole number of at least 1, found '0'",
    }
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--n-trials", "0"),
        ("--n-trials", "-3"),
        ("--n-trials", "many"),
        ("--workers", "-1"),
        ("--workers", "0"),
        ("--stack", "-1"),
        ("--stack", "some"),
        ("--seed", "-1"),
        ("--epochs", "0"),
        ("--folds", "2.5"),
        ("--study-name", ""),
        ("--arms", ""),
        ("--arms", "fixed,fixed"),
    ],
)
def test_a_bad_value_is_told_with_its_flag(flag: str, value: str) -> None:
    (fault,) = faults(flag, value)
    assert fault.startswith(f"{flag}: expected ")


def test_a_table_where_a_value_belongs(tmp_path: Path) -> None:
    own = toml(tmp_path, "[training.epochs]\nmany = 3")
    expected = f"{own}: training.epochs: expected a whole number, found {{'many': 3}}"
    assert faults("--config", own) == [expected]


def test_an_empty_table_changes_nothing(tmp_path: Path) -> None:
    own = toml(tmp_path, "[training]\n[network]\n[grid.fixed]")
    assert resolved("--config", own) == resolved()


def test_a_name_that_is_too_long() -> None:
    expected = "--study-name: expected text of at most 512 characters, found 600"
    assert faults("--study-name", "n" * 600) == [expected]


def test_n_trials_must_be_given() -> None:
    with pytest.raises(UsageError, match="--n-trials: expected a value, found none"):
        resolve(RunParser().parse([]), {})


def test_more_folds_than_subjects() -> None:
    assert faults("--folds", "17") == [
        "--folds: expected no more folds than the 16 subjects, found 17"
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.toml")
    assert faults("--config", missing, "--seed", "x") == [
        f"--config {missing}: expected a TOML file, found No such file or directory",
        "--seed: expected a whole number, found 'x'",
    ]
    (fault,) = faults("--config", toml(tmp_path, "folds = = 3"))
    assert "expected TOML, found a mistake" in fault
    assert "line 1" in fault
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    assert "expected TOML" in faults("--config", str(binary))[0]


@pytest.mark.parametrize(
    "loss",
    [
        {"auto_weighting": "uncertainty"},
        {"lr_multiplier": 3.0},
        {"rho": 2.0},
        {"uncertainty_init_value": "matched"},
    ],
)
def test_what_arms_set_cannot_be_set_for_all(loss: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="the arms of a study set this"):
        StudyConfig(loss=LossConfig.model_validate(loss))


@pytest.mark.parametrize("value", [True, "0.5", None, [0.5]])
def test_grid_values_are_numbers(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a number from 0 to 1"):
        StudyConfig.model_validate({"grid": {"fixed": {"alpha": [value]}}})
