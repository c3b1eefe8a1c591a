"""What is said of settings that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from model.config import LossConfig
from study.config import StudyConfig
from study.errors import UsageError
from study.run_arguments import RunParser
from study.sources import resolve
from tests.study.settings import PRUNING, faults, toml


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
    known_arms = "fixed, uncertainty, direct, direct_anchored, equal, random, dwa, uw_so"
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
        "(fixed, uncertainty, direct, direct_anchored, dwa, uw_so); did you mean 'direct'?",
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


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            'pruner = "within_arms"',
            "pruner: expected 'none' or 'within_arm', found 'within_arms'; "
            "did you mean 'within_arm'?",
        ),
        ("quantile = 1", "quantile: expected a number less than 1, found 1"),
        ("after = 0.0", "after: expected a number greater than 0, found 0.0"),
        ("min_trials = 0", "min_trials: expected a number greater than or equal to 1, found 0"),
        ("warmup = 0.3", "warmup: no such setting; did you mean 'training.warmup'?"),
        (
            'pruner = "none"\nquantile = 0.25',
            'quantile: no trial is pruned; expected pruner = "within_arm" beside it',
        ),
        ("after = 0.8", "after: expected at least 2 of 6 epochs after a trial is judged, found 1"),
    ],
)
def test_a_mistake_in_pruning_is_told(tmp_path: Path, lines: str, expected: str) -> None:
    named = {line.split(" = ")[0] for line in lines.splitlines()}
    kept = [line for line in PRUNING.splitlines() if line.split(" = ")[0] not in named]
    own = toml(tmp_path, "\n".join([*kept, lines]))
    assert faults("--config", own) == [f"{own}: pruning.{expected}"]


def test_a_table_where_a_value_belongs(tmp_path: Path) -> None:
    own = toml(tmp_path, "[training.epochs]\nmany = 3")
    expected = f"{own}: training.epochs: expected a whole number, found {{'many': 3}}"
    assert faults("--config", own) == [expected]


def test_a_name_that_is_too_long() -> None:
    expected = "--study-name: expected text of at most 512 characters, found 600"
    assert faults("--study-name", "n" * 600) == [expected]


def test_n_trials_must_be_given() -> None:
    with pytest.raises(UsageError, match="--n-trials: expected a value, found none"):
        resolve(RunParser().parse([]), {})


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--confirm", "0"), "--confirm: expected a number greater than or equal to 1, found '0'"),
        (("--confirm", "1000"), "--confirm: expected a number less than or equal to 999"),
        (("--confirm", "many"), "--confirm: expected a whole number, found 'many'"),
        (("--reruns", "2"), "--reruns: expected --confirm or --until-decided beside it"),
        (
            ("--until-decided", "--confirm", "1"),
            "--confirm: expected 2 to 499 repeats at the last look of a race, found 1",
        ),
        (
            ("--until-decided", "--confirm", "500"),
            "--confirm: expected 2 to 499 repeats at the last look of a race, found 500",
        ),
    ],
)
def test_repeats_that_no_confirmation_can_have(flags: tuple[str, ...], expected: str) -> None:
    (fault,) = faults(*flags)
    assert fault.startswith(expected)


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
