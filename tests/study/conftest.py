from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.engine import open_engine
from storage.optuna_schema import open_optuna
from storage.schema import upgrade
from study.config import StudyConfig
from study.fingerprint import Fingerprint, fingerprint
from study.opening import Database

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
