"""Every test that asks for `url` or `engine` runs against each database."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from storage import studies
from storage.engine import open_engine
from storage.runs import CellRef, EpochRow, Fingerprints, FoldRow, Holder, RunResult, Runs
from storage.schema import revisions, upgrade
from storage.studies import StudyIdentity
from tests.storage.clock import Clock
from tests.storage.postgres import Cluster, cluster, required_binaries
from tests.storage.schemas.dump import dump_of, load

STUDY = StudyIdentity(
    study_id=7,
    name="study",
    config={"epochs": 3},
    arms=("fixed", "direct"),
    seed=2**40,
    data_hash="d",
    config_hash="c",
    model_hash="m",
    environment={"commit": "abc"},
)
MADE_OF = Fingerprints("m", "d", "c", {"packages": {"torch": "2"}})
HOLDER = Holder("holder-1", "host", "boot", 1, 10.0)
OTHER = replace(HOLDER, id="holder-2", pid=2)
JUDGE = replace(HOLDER, id="holder-3", pid=3)
EPOCHS = [
    EpochRow(fold, epoch, {"score": 0.5, "train_kl": math.nan, "temperature": 2.0, "s_kl": 1.0})
    for fold in range(2)
    for epoch in range(3)
]


def cells(count: int) -> list[CellRef]:
    return [CellRef(f"cell{i:04}", "fixed", 0, {"alpha": i / count}) for i in range(count)]


def result(value: float = 0.7, epochs: list[EpochRow] | None = None) -> RunResult:
    folds = [
        FoldRow(k, value, 0.8, 0.6, 2, 0.75, ["SEQ_1", "é\n"], np.array([3, 17], np.uint8))
        for k in range(2)
    ]
    return RunResult(value, folds, 12.5, "worker-1", "cuda:0", epochs or [])


def start(runs: Runs, trial_id: int = 100) -> int:
    """Claim the first free of three cells and attach a trial."""
    [claim] = runs.claim(cells(3), 1, MADE_OF)
    assert runs.attach({claim.run_id: (trial_id, trial_id - 100)}) == set()
    return claim.run_id


def unknown(_: Holder) -> None:
    """Whether a process lives cannot be told, as of one on another machine."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    programs = required_binaries()
    with cluster(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_made(postgres: Cluster) -> str:
    """Name of a database with the schema in it, to copy."""
    url = postgres.create_database()
    upgrade(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def postgres_shared(postgres: Cluster, postgres_made: str) -> str:
    """Name of a copy of it for tests that leave the schema alone; copies are slow."""
    return str(make_url(postgres.create_database(postgres_made)).database)


@pytest.fixture(scope="session")
def sqlite_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite file with the schema in it, to copy."""
    path = tmp_path_factory.mktemp("made") / "study.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without any table (with SQLite: of no file yet)."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/study.db"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create_database()


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database with the schema in it and no study; the schema is not to be changed."""
    if backend == "sqlite":
        made: Path = request.getfixturevalue("sqlite_made")
        shutil.copy(made, tmp_path / "study.db")
        return f"sqlite:///{tmp_path}/study.db"
    server: Cluster = request.getfixturevalue("postgres")
    shared: str = request.getfixturevalue("postgres_shared")
    server.psql(shared, "DELETE FROM study_record")
    return server.url(shared)


@pytest.fixture
def own_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database whose schema may be changed."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_made"), tmp_path)
        return f"sqlite:///{tmp_path}/study.db"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create_database(request.getfixturevalue("postgres_made"))


@pytest.fixture
def sqlite_url(sqlite_made: Path, tmp_path: Path) -> str:
    """URL of an SQLite database with the schema in it, for what only SQLite does."""
    shutil.copy(sqlite_made, tmp_path)
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Engine on a database that holds the study STUDY, without trials."""
    engine = open_engine(url)
    studies.record(engine, STUDY)
    yield engine
    engine.dispose()


@pytest.fixture
def runs(engine: Engine) -> Runs:
    return Runs(engine, STUDY.study_id, HOLDER)


@pytest.fixture
def other(engine: Engine) -> Runs:
    """The same study as another process sees it."""
    return Runs(engine, STUDY.study_id, OTHER)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def judge(engine: Engine, clock: Clock) -> Runs:
    """A third process, whose clock the test holds."""
    return Runs(engine, STUDY.study_id, JUDGE, clock=clock)


@pytest.fixture(params=revisions())
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def released(revision: str, backend: str, empty_url: str) -> str:
    """URL of a database that the version with this revision left."""
    load(empty_url, dump_of(backend, revision).read_text())
    return empty_url
