"""What a study is, and how one command runs it.

`StudyConfig` changes results and is part of a study's identity; `RunOptions`
does not. A TOML file writes the fields of `StudyConfig` as they are:

    data = "wisdm51"
    subjects = 16                 # or "all"
    arms = ["fixed", "direct"]
    network = "tiny"              # or a table: preset = "tiny", width = 48

    [training]
    epochs = 12

    [grid.fixed]                  # values not named keep their defaults
    alpha = [0.3, 0.5]

    [pruning]                     # off unless named: docs/pruning.md says why
    pruner = "within_arm"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from model.config import (
    NETWORK_PRESETS,
    FeatureConfig,
    LossConfig,
    NetworkConfig,
    Settings,
    TrainingConfig,
)
from model.data.spelling import did_you_mean
from study.arms import ARMS, BASELINE_ARM, DEFAULT_ARMS, PARAMETERS, ArmName
from study.grid import Fault, GridConfig, several

MOST_REPEATS = 999
"""Every repeat up to this one has a split of its own: `model.data.folds.SPLITS` less the search."""
ALL_SUBJECTS = "all"


def with_preset(network: object) -> object:
    """Settings of a network with its preset written out: a name, or a table that names one.

    An unknown preset stays as it is, for the validator to refuse.
    """
    table = network if isinstance(network, Mapping) else {"preset": network}
    name = table.get("preset")
    if not isinstance(name, str) or name not in NETWORK_PRESETS:
        return network
    rest = {key: value for key, value in table.items() if key != "preset"}
    return NETWORK_PRESETS[name].model_dump() | rest


def _network(given: object) -> object:
    found = with_preset(given)
    if isinstance(found, NetworkConfig) or (isinstance(found, Mapping) and "preset" not in found):
        return found
    name = found["preset"] if isinstance(found, Mapping) else found
    raise PydanticCustomError(
        "unknown_network",
        "expected a network preset ({known}) or a table, found {name}{hint}",
        {
            "known": ", ".join(NETWORK_PRESETS),
            "name": repr(name),
            "hint": did_you_mean(str(name), NETWORK_PRESETS),
        },
    )


def _arms(given: object) -> object:
    """Names of arms; in one string they are parted by commas."""
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else given


def _subjects(given: object) -> object:
    return None if given == ALL_SUBJECTS else given


class PruningConfig(Settings):
    """Which trials end early. `study.pruning` holds the rule, docs/pruning.md its reasons."""

    pruner: Literal["none", "within_arm"] = "none"
    """within_arm: a trial is judged once, by its rank among trials of its own arm."""
    quantile: float = Field(0.5, gt=0, lt=1)
    """Share of an arm's trials, the lowest, that goes no further."""
    after: float = Field(0.5, gt=0, lt=1)
    """Share of the epochs after which a trial is judged, rounded to whole epochs."""
    min_trials: int = Field(4, ge=1)
    """Trials of the arm that a trial must have to be ranked among."""

    @model_validator(mode="after")
    def _nothing_without_a_pruner(self) -> Self:
        faults: list[Fault] = [
            ((name,), 'no trial is pruned; expected pruner = "within_arm" beside it')
            for name, field in type(self).model_fields.items()
            if self.pruner == "none" and getattr(self, name) != field.default
        ]
        if faults:
            raise several(faults)
        return self

    def epochs_before(self, epochs: int) -> int:
        """How many of a trial's epochs come before it is judged, at least 1."""
        return max(1, round(self.after * epochs))


class VerdictConfig(Settings):
    """What the verdict goes by, fixed before results are seen."""

    rope: float = Field(0.005, gt=0, lt=1)
    """Region of practical equivalence: differences up to this size do not matter."""


class StudyConfig(Settings):
    """Everything that changes what a study finds."""

    data: str = "wisdm51"
    """wisdm51, synthetic, a CMI folder, or a TOML file that describes a table."""
    subjects: Annotated[int | None, BeforeValidator(_subjects)] = Field(None, ge=1)
    """The first so many in sorted order that are not pilots; None ("all" in files) for all."""
    folds: int = Field(5, ge=2)
    """Of the cross-validation over subjects."""
    seed: int = Field(0, ge=0, lt=2**63)
    arms: Annotated[tuple[ArmName, ...], BeforeValidator(_arms), Field(min_length=1)] = DEFAULT_ARMS
    network: Annotated[NetworkConfig, BeforeValidator(_network)] = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    features: FeatureConfig = FeatureConfig()
    loss: LossConfig = LossConfig()
    """The baseline: what `fixed` declares and every learned arm starts from."""
    grid: GridConfig = GridConfig({})
    pruning: PruningConfig = PruningConfig()
    """By default every trial runs to its end."""
    verdict: VerdictConfig = VerdictConfig()

    @field_validator("folds")
    @classmethod
    def _a_subject_a_fold(cls, folds: int, info: ValidationInfo) -> int:
        subjects = info.data.get("subjects")
        if subjects is not None and subjects < folds:
            raise ValueError(f"expected no more folds than the {subjects} subjects, found {folds}")
        return folds

    @field_validator("arms")
    @classmethod
    def _each_arm_once(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({arm for arm in arms if arms.count(arm) > 1})
        if twice:
            raise ValueError(f"expected every arm once, found more often: {', '.join(twice)}")
        return arms

    @field_validator("pruning")
    @classmethod
    def _in_time(cls, pruning: PruningConfig, info: ValidationInfo) -> PruningConfig:
        training = info.data.get("training")
        if pruning.pruner == "none" or training is None:
            return pruning
        before = pruning.epochs_before(training.epochs)
        if before > training.epochs - 2:
            left = f"expected at least 2 of {training.epochs} epochs after a trial is judged"
            raise several([(("after",), f"{left}, found {training.epochs - before}")])
        return pruning

    @field_validator("loss")
    @classmethod
    def _a_baseline(cls, loss: LossConfig) -> LossConfig:
        faults = _baseline_faults(loss)
        if faults:
            raise several(faults)
        return loss


def _baseline_faults(loss: LossConfig) -> list[Fault]:
    """Settings that only arms may change, and weights that no trial could have."""
    weights = {PARAMETERS[name].field: name for name in ARMS[BASELINE_ARM].grid}
    faults: list[Fault] = [
        ((field,), f"expected {PARAMETERS[name].expected}, found {getattr(loss, field)!r}")
        for field, name in weights.items()
        if not PARAMETERS[name].admits(getattr(loss, field))
    ]
    learned = {p.field: f"grid.<arm>.{name}" for name, p in PARAMETERS.items()}
    of_arms = {"auto_weighting": "arms"} | {f: k for f, k in learned.items() if f not in weights}
    default = LossConfig()
    faults += [
        ((field,), f"the arms of a study set this; use {instead}")
        for field, instead in of_arms.items()
        if getattr(loss, field) != getattr(default, field)
    ]
    return faults


def _stack(given: object) -> object:
    text = str(given)
    if text == "auto" or (text.isdecimal() and int(text) > 0):
        return text if text == "auto" else int(text)
    raise ValueError(f"expected auto or a whole number of at least 1, found {given!r}")


class RunOptions(Settings):
    """How one command runs a study. None of it changes results."""

    n_trials: int = Field(ge=1)
    """Finished trials the study is to hold in all."""
    storage: str | None = None
    """URL as the user gave it; `storage.url.resolve_url` completes and checks it."""
    study_name: str = Field("study", min_length=1, max_length=512)
    workers: int | None = Field(None, ge=1)
    """Processes that train; None for one a core on a CPU, one a GPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    stack: Annotated[int | Literal["auto"], BeforeValidator(_stack)] = "auto"
    """Trials trained at once by one worker."""
    stall_limit: float | None = Field(None, gt=0)
    """Seconds without an epoch after which a worker is killed; None: from what epochs take."""
    trial_limit: float | None = Field(None, gt=0)
    """Seconds that a trial may take in all; None: from what trials take."""
    outage_limit: float = Field(600.0, gt=0)
    """Seconds to go on without the database."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    confirm: int | None = Field(None, ge=1, le=MOST_REPEATS)
    """Fresh repeats of each arm's best cell and of the baseline; in a race, of the last look."""
    until_decided: bool = False
    """Whether to repeat until the primary contrasts are decided."""
    reruns: int = Field(0, ge=0, le=MOST_REPEATS)
    """Repeats more that have a split of the confirmation and fresh seeds."""
    dry_run: bool = False
    accept_changes: bool = False

    @model_validator(mode="after")
    def _something_to_rerun(self) -> Self:
        faults: list[Fault] = []
        if self.reruns and self.confirm is None and not self.until_decided:
            faults.append((("reruns",), "expected --confirm or --until-decided beside it"))
        most = MOST_REPEATS // 2  # noise can double them
        if self.until_decided and self.confirm is not None and not 2 <= self.confirm <= most:
            expected = f"expected 2 to {most} repeats at the last look of a race"
            faults.append((("confirm",), f"{expected}, found {self.confirm}"))
        if faults:
            raise several(faults)
        return self
