"""Every test runs against SQLite and against a PostgreSQL that is its own to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from study.plan import plan
from study.run_arguments import RunParser
from study.sources import resolve
from tests.chaos.databases import Database, Postgresql, Sqlite
from tests.chaos.record import record
from tests.chaos.service import CELLS, FOLDS, PLAN, Service
from tests.chaos.soundness import Counts, assert_sound
from tests.storage.postgres import Cluster, cluster, required_binaries

MakeService = Callable[..., Service]
EndsWell = Callable[..., Counts]


@pytest.fixture(scope="session")
def own_server() -> Iterator[Cluster]:
    with cluster(required_binaries()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Without any table; with SQLite there is no file yet."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "study.db")
    made: Postgresql = request.getfixturevalue("own_postgresql")
    return made


@pytest.fixture
def own_postgresql(own_server: Cluster) -> Postgresql:
    """A database without any table."""
    return Postgresql(own_server, own_server.create_database())


@pytest.fixture
def service_of(tmp_path: Path) -> Iterator[MakeService]:
    """Makes a study on a database; what still runs of it is killed afterwards."""
    made: list[Service] = []

    def make(
        database: Database, *, trials: int = CELLS, epochs: int = 4, pause: float = 0.05
    ) -> Service:
        made.append(Service(database, tmp_path, trials, epochs, pause))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Hashes of the cells of the plan, in order."""
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(PLAN)
    flags = ["--n-trials", str(CELLS), "--preset", "smoke", "--config", str(path)]
    config, _ = resolve(RunParser().parse(flags), {})
    cells = [cell.hash for cell in plan(config)]
    assert len(cells) == CELLS
    return cells


@pytest.fixture
def ends_well(planned: list[str]) -> EndsWell:
    """Waits for the end of a study, checks that it is sound, and notes what it went through."""

    def check(
        service: Service, what: str, injected: Mapping[str, int], *, revives: bool = False
    ) -> Counts:
        service.finish(revives=revives)
        cells = planned[: service.trials]
        found = assert_sound(service.database.url, cells, FOLDS, service.epochs)
        record(what, service.database.kind, injected, found)
        return found

    return check
