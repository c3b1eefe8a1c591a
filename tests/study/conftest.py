from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from storage.engine import open_engine
from storage.optuna_schema import open_optuna
from storage.rows import CellRef
from storage.schema import upgrade
from study.config import StudyConfig
from study.fingerprint import Fingerprint, fingerprint
from study.opening import Database, open_study
from study.plan import plan
from study.worker.forks import ForkServer
from study.worker.handle import Worker
from study.worker.messages import Ready, Start
from study.worker.starter import Spawner
from tests.study.answers import expect
from tests.study.processes import Process
from tests.study.trainers import STEADY

ARMS = ("fixed", "uncertainty", "direct")


@pytest.fixture
def config() -> StudyConfig:
    """Of a study with 14 cells, whose trainer reads no data."""
    return StudyConfig.model_validate(
        {
            "folds": 2,
            "arms": ARMS,
            "training": {"epochs": 3},
            "grid": {
                "fixed": {"alpha": [0.3, 0.5], "kl_weight": [0.1], "nine_class_weight": [0.2]}
            },
        }
    )


@pytest.fixture
def made_of(config: StudyConfig) -> Fingerprint:
    return fingerprint(config, "data", "cpu")


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite file with the schema in it, to copy."""
    path = tmp_path_factory.mktemp("made") / "study.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(made_database: Path, tmp_path: Path) -> str:
    """URL of a database without studies."""
    shutil.copy(made_database, tmp_path / "study.db")
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(open_engine(url), open_optuna(url))
    yield opened
    opened.engine.dispose()
    opened.optuna.engine.dispose()


@pytest.fixture
def new_url(tmp_path: Path) -> str:
    """URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/new.db"


@pytest.fixture(params=[ForkServer, Spawner])
def starter_type(request: pytest.FixtureRequest) -> type[ForkServer | Spawner]:
    kind: type[ForkServer | Spawner] = request.param
    return kind


@pytest.fixture
def worker(starter_type: type[ForkServer | Spawner], config: StudyConfig) -> Iterator[Worker]:
    """A worker that is ready, its trainer slow enough to be talked to between epochs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINER_PAUSE", "0.05")
        patch.setenv(
            "TRAINER_FAULTS",
            '{"direct": "raise", "uncertainty": "SIGKILL", "equal": "exit"}',
        )
        patch.setenv("OMP_NUM_THREADS", "4")
        starter = starter_type(STEADY)
        made = Worker(starter)
    made.start(Start(config, "cpu"))
    expect(made, Ready)
    yield made
    made.end()
    starter.end()


@pytest.fixture
def study(database: Database, config: StudyConfig, made_of: Fingerprint) -> optuna.Study:
    return open_study(database, "study", config, made_of)


@pytest.fixture
def cells(config: StudyConfig) -> list[CellRef]:
    return [CellRef(cell.hash, cell.arm, cell.repeat, cell.params) for cell in plan(config)]


@pytest.fixture
def process(database: Database, study: optuna.Study) -> Process:
    return Process(database, study, lease_seconds=60)


@pytest.fixture
def other(database: Database, study: optuna.Study) -> Process:
    return Process(database, study, lease_seconds=60)


@pytest.fixture
def judge(database: Database, study: optuna.Study) -> Process:
    """A process to which every other seems to have been asleep for longer than a lease."""
    return Process(database, study, lease_seconds=0)
