"""Studies that prune: in real worker processes, on real SQLite files."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from storage import queries
from storage.engine import open_engine
from storage.errors import StudyMissing
from storage.optuna_schema import open_optuna
from storage.queries import TrialRow
from study.arms import loss_config
from study.config import RunOptions, StudyConfig
from study.launch import Ending, run_study
from study.plan import plan
from study.report import conclusion
from study.run_arguments import RunParser
from study.sources import resolve
from tests.study import commands
from tests.study.rivals import rank_of

RIVALS = "tests.study.rivals:rivals"
FADING = "tests.study.rivals:fading"
CONFIG = """
arms = ["fixed", "uncertainty"]
folds = 2
[training]
epochs = 8
[grid.fixed]
alpha = [0.3, 0.5, 0.7]
nine_class_weight = [0.1, 0.2]
kl_weight = [0.1]
[pruning]
pruner = "within_arm"
after = 0.25
min_trials = 2
"""
CELLS = 14
JUDGED = 1
"""Epoch in which trials are judged; counted from 0, like all epochs."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "own.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def config(file: Path) -> StudyConfig:
    return resolve(RunParser().parse(["--n-trials", "1", "--config", str(file)]), {})[0]


@pytest.fixture(scope="module")
def ended(
    config: StudyConfig, made_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Ending]:
    """URL of a study whose trials were all trained as one stack, and how its run ended."""
    path = tmp_path_factory.mktemp("ended") / "study.db"
    shutil.copy(made_database, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINER_PAUSE", "0.2")
        return f"sqlite:///{path}", run(config, f"sqlite:///{path}", CELLS, stack=CELLS)


def run(config: StudyConfig, url: str, n_trials: int, stack: int, trainer: str = RIVALS) -> Ending:
    options = RunOptions(n_trials=n_trials, workers=1, stack=stack)
    return run_study(config, options, url, trainer)


def lowest_halves(config: StudyConfig) -> set[str]:
    """Cells that are in the lower half of their arm's searched cells up to their own."""
    found = set()
    seen: dict[str, list[float]] = {arm: [] for arm in config.arms}
    for cell in plan(config)[len(config.arms) :]:
        seen[cell.arm].append(rank_of(loss_config(cell.arm, cell.params, config.loss)))
        count = len(seen[cell.arm])
        if count > 2 and seen[cell.arm][-1] in sorted(seen[cell.arm])[: count // 2]:
            found.add(cell.hash)
    return found


def pruned(rows: list[TrialRow]) -> set[str]:
    return {row.cell for row in rows if row.state == "pruned"}


def pruned_so_far(url: str) -> set[str]:
    with suppress(StudyMissing):
        return pruned(commands.rows(url))
    return set()


def last_epochs(url: str, rows: list[TrialRow]) -> dict[str, tuple[int, float]]:
    """Last epoch of each finished cell, and the mean over folds of its score in it."""
    engine = open_engine(url)
    study_id = queries.study_by_name(engine, "study").study_id
    scores: dict[int, dict[int, list[float]]] = {}
    for trial_id, _, epoch, score in queries.epoch_rows(engine, study_id, ("score",)):
        scores.setdefault(trial_id, {}).setdefault(epoch, []).append(score)
    engine.dispose()
    return {
        row.cell: (max(epochs), float(np.mean(epochs[max(epochs)])))
        for row in rows
        if row.trial_id is not None and (epochs := scores.get(row.trial_id))
    }


def test_the_lower_half_of_every_arm_is_pruned_and_counts_as_finished(
    config: StudyConfig, ended: tuple[str, Ending]
) -> None:
    url, ending = ended
    expected = lowest_halves(config)
    assert ending.finished == CELLS
    assert ending.counts == {"complete": CELLS - len(expected), "pruned": len(expected)}
    assert pruned(commands.rows(url)) == expected


def test_the_value_of_a_pruned_trial_is_its_last_one_in_both_tables(
    ended: tuple[str, Ending],
) -> None:
    url, _ = ended
    rows = commands.rows(url)
    last = last_epochs(url, rows)
    storage = open_optuna(url)
    study = optuna.load_study(study_name="study", storage=storage)
    of_cell = {t.user_attrs["cell"]: t for t in study.get_trials(deepcopy=False)}
    storage.engine.dispose()
    for row in rows:
        epoch, score = last[row.cell]
        trial = of_cell[row.cell]
        assert row.value == trial.value == pytest.approx(score)
        assert max(trial.intermediate_values) == epoch
        if row.state == "pruned":
            assert trial.state == TrialState.PRUNED
            assert JUDGED <= epoch < 7
        else:
            assert (trial.state, epoch) == (TrialState.COMPLETE, 7)


def test_the_report_counts_what_was_pruned_by_arm(
    config: StudyConfig, ended: tuple[str, Ending]
) -> None:
    url, _ = ended
    rows = commands.rows(url)
    engine = open_engine(url)
    shown, _ = conclusion.read(engine, "study")
    engine.dispose()
    assert shown.trials.pruned == len(lowest_halves(config))
    for arm in shown.arms:
        own = [row for row in rows if row.arm == arm.arm]
        scores = [row.value for row in own if row.state == "complete" and row.value is not None]
        assert arm.pruned == len(pruned(own)) > 0
        assert (arm.trials, arm.best) == (len(scores), max(scores))
        assert arm.mean == pytest.approx(np.mean(scores))


def test_what_was_trained_before_a_restart_is_ranked_among(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_PAUSE", "0.2")
    run(config, url, CELLS - 4, stack=CELLS)
    before = pruned(commands.rows(url))
    run(config, url, CELLS, stack=CELLS)
    assert before < pruned(commands.rows(url)) == lowest_halves(config)


@pytest.mark.slow
def test_killed_and_started_again_the_same_cells_are_pruned(
    file: Path, config: StudyConfig, url: str
) -> None:
    flags = ("--config", file, "--storage", url, "--workers", 1, "--stack", 1, "--n-trials", CELLS)
    env = {"TRAINER_PAUSE": "0.03"}
    command = commands.start(*flags, trainer=RIVALS, env=env)
    commands.until(lambda: bool(pruned_so_far(url)))
    command.kill()
    command.communicate()
    before = pruned(commands.rows(url))
    code, _, err = commands.finish(commands.start(*flags, trainer=RIVALS, env=env))
    assert code == 0, err
    rows = commands.rows(url)
    assert before <= pruned(rows) == lowest_halves(config)
    assert_all_finished_once(rows)


@pytest.mark.slow
def test_of_two_commands_each_ranks_among_what_the_other_trains(
    file: Path, config: StudyConfig, url: str
) -> None:
    flags = ("--config", file, "--storage", url, "--workers", 1, "--n-trials", CELLS)
    both = [commands.start(*flags, trainer=RIVALS, env={"TRAINER_PAUSE": "0.03"}) for _ in range(2)]
    ended = [commands.finish(command) for command in both]
    assert [code for code, _, _ in ended] == [0, 0], ended
    rows = commands.rows(url)
    assert_all_finished_once(rows)
    assert len({row.worker for row in rows}) == 2
    cells = plan(config)
    assert pruned(rows)
    assert pruned(rows).isdisjoint(cell.hash for cell in cells[:2])
    for arm in config.arms:
        best = max(
            (cell for cell in cells if cell.arm == arm),
            key=lambda cell: rank_of(loss_config(cell.arm, cell.params, config.loss)),
        )
        assert best.hash not in pruned(rows)


def test_when_all_trials_of_a_job_are_pruned_the_worker_gets_the_next_at_once(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_PAUSE", "0.15")
    settings = config.model_dump() | {
        "arms": ["fixed"],
        "training": {"epochs": 16},
        "pruning": {"pruner": "within_arm", "after": 0.125, "min_trials": 1, "quantile": 0.9},
    }
    fading = StudyConfig.model_validate(settings)
    assert run(fading, url, 6, stack=2, trainer=FADING).counts == {"complete": 2, "pruned": 4}
    first, *_ = rows = commands.rows(url)
    assert [row.state for row in rows] == ["complete"] * 2 + ["pruned"] * 4
    assert {row.worker for row in rows} == {first.worker}
    took = {row.started: (row.ended or 0) - row.started for row in rows}
    whole, *early = took.values()
    assert len(early) == 2
    assert max(early) < whole / 2
    starts = sorted(took)
    assert starts[2] - starts[1] < whole / 2


def assert_all_finished_once(rows: list[TrialRow]) -> None:
    """Each cell has been finished, once; nothing runs."""
    finished = [row.cell for row in rows if row.state in {"complete", "pruned"}]
    assert len(finished) == len(set(finished)) == CELLS
    assert set(Counter(row.state for row in rows)) <= {"complete", "pruned", "released"}
