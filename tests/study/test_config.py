"""Settings from presets, files, environment and flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.config import NETWORK_PRESETS
from model.data.folds import SPLITS
from study.arms import ARMS, DEFAULT_ARMS, loss_config
from study.config import MOST_REPEATS, RunOptions, StudyConfig
from study.plan import plan
from study.presets import DEFAULT_PRESET, PRESETS
from study.run_arguments import RunParser
from study.sources import resolve
from tests.study.settings import PRUNING, faults, resolved, toml


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_study_whose_plan_trains(name: str) -> None:
    config = resolved("--preset", name)
    assert config == StudyConfig.model_validate(PRESETS[name])
    for cell in plan(config):
        loss_config(cell.arm, cell.params, config.loss)


def test_quick_is_the_default_and_full_has_all_subjects_and_default_arms() -> None:
    assert DEFAULT_PRESET == "quick"
    assert resolved() == resolved("--preset", "quick")
    full = resolved("--preset", "full")
    assert (full.subjects, full.folds, full.training.epochs) == (None, 5, 30)
    assert full.arms == DEFAULT_ARMS


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


def test_limits_and_log_come_from_flags_and_variables() -> None:
    _, options = resolve(RunParser().parse(["--n-trials", "5"]), {})
    assert (options.stall_limit, options.trial_limit, options.outage_limit) == (None, None, 600)
    assert (options.log_format, options.log_level) == ("text", "info")
    flags = ["--n-trials", "5", "--stall-limit", "2.5", "--trial-limit", "1e3", "--log-level=debug"]
    variables = {
        "STUDY_OUTAGE_LIMIT": "0.5",
        "STUDY_LOG_FORMAT": "json",
        "STUDY_LOG_LEVEL": "error",
    }
    _, options = resolve(RunParser().parse(flags), variables)
    assert (options.stall_limit, options.trial_limit, options.outage_limit) == (2.5, 1000, 0.5)
    assert (options.log_format, options.log_level) == ("json", "debug")


@pytest.mark.parametrize("flag", ["--stall-limit", "--trial-limit", "--outage-limit"])
def test_a_limit_is_a_finite_number_of_seconds_above_0(flag: str) -> None:
    assert faults(flag, "0") == [f"{flag}: expected a number greater than 0, found '0'"]
    assert faults(flag, "-1") == [f"{flag}: expected a number greater than 0, found '-1'"]
    assert faults(flag, "soon") == [f"{flag}: expected a number, found 'soon'"]
    for endless in ("inf", "nan"):
        assert faults(flag, endless) == [f"{flag}: expected a finite number, found '{endless}'"]


def test_formats_and_levels_of_the_log_are_known_by_name() -> None:
    assert faults("--log-format", "jsno", STUDY_LOG_LEVEL="loud") == [
        "--log-format: expected 'text' or 'json', found 'jsno'; did you mean 'json'?",
        "STUDY_LOG_LEVEL: expected 'debug', 'info', 'warning' or 'error', found 'loud'",
    ]


def test_variables_of_others_are_left_alone() -> None:
    assert resolved(STUDY_STORAGE="x", STUDY_CACHE="y", STUDYING="z", HOME="h") == resolved()


def test_json_brings_a_configuration_back() -> None:
    config = resolved(STUDY_GRID__DIRECT__LR_MULTIPLIER="[1, 2.5]")
    assert StudyConfig.model_validate(config.model_dump(mode="json")) == config


def test_pruning_is_off_and_switched_on_by_name(tmp_path: Path) -> None:
    assert resolved().pruning.pruner == "none"
    pruning = resolved("--config", toml(tmp_path, PRUNING), STUDY_PRUNING__QUANTILE="0.25").pruning
    assert (pruning.pruner, pruning.quantile, pruning.min_trials) == ("within_arm", 0.25, 4)


@pytest.mark.parametrize(("epochs", "before"), [(4, 2), (5, 2), (7, 4), (30, 15)])
def test_a_trial_is_judged_after_whole_epochs(epochs: int, before: int) -> None:
    settings = {"training": {"epochs": epochs}, "pruning": {"pruner": "within_arm"}}
    assert StudyConfig.model_validate(settings).pruning.epochs_before(epochs) == before


def test_an_empty_table_changes_nothing(tmp_path: Path) -> None:
    own = toml(tmp_path, "[training]\n[network]\n[grid.fixed]")
    assert resolved("--config", own) == resolved()


def test_every_repeat_that_can_be_asked_for_has_a_split_of_its_own() -> None:
    assert MOST_REPEATS == SPLITS - 1
