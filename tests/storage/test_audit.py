"""Whatever can be wrong with a study's rows is found, and nothing else is."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from storage.__main__ import main
from storage.audit import Audit, audit
from storage.audit_queries import RULES
from storage.engine import open_engine, writing
from storage.errors import SchemaError, SchemaMissing, StudyMissing, UnavailableError
from storage.schema import head
from tests.storage.audit_faults import EXPIRE, FAULTS, UNTOLD
from tests.storage.every_state import NAME, STATES, write_every_state, writing_to
from tests.storage.postgres import Cluster


@pytest.fixture(scope="module")
def sqlite_written(sqlite_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "study.db"
    shutil.copy(sqlite_made, path)
    write_every_state(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def postgres_written(postgres: Cluster, postgres_made: str) -> str:
    url = postgres.create_database(postgres_made)
    write_every_state(url)
    return str(make_url(url).database)


@pytest.fixture
def written(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database of its own with a trial in every state, its running one just claimed."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_written"), tmp_path / "study.db")
        url = f"sqlite:///{tmp_path}/study.db"
    else:
        server: Cluster = request.getfixturevalue("postgres")
        url = server.create_database(request.getfixturevalue("postgres_written"))
    execute(url, "UPDATE trial_run SET lease_expires = lease_expires + 3600")
    return url


def execute(url: str, *statements: str) -> None:
    engine = open_engine(url)
    with writing(engine) as session:
        for statement in statements:
            session.execute(text(statement))
    engine.dispose()


def codes(found: Audit) -> set[str]:
    return {finding.code for finding in found.findings}


def test_every_state_is_sound(written: str) -> None:
    found = audit(written)
    assert found.is_sound, found.as_text()
    assert [(study.name, study.states) for study in found.studies] == [(NAME, STATES)]


@pytest.mark.parametrize("code", FAULTS)
def test_what_is_wrong_is_found(code: str, written: str) -> None:
    others, statements = FAULTS[code]
    execute(written, *statements)
    found = audit(written)
    assert codes(found) == {code} | others
    assert all(finding.count == 1 for finding in found.findings), found.as_text()


def test_every_rule_is_broken_by_a_test() -> None:
    assert {rule.code for rule in RULES} <= FAULTS.keys()


def test_who_is_at_work_is_about_to_tell_optuna(written: str) -> None:
    execute(written, *UNTOLD)
    assert audit(written).is_sound


def test_a_trial_made_for_a_claim_that_is_about_to_get_it_is_sound(written: str) -> None:
    with writing_to(written) as study:
        (claim,) = study.runs.claim(study.cells, 1, study.made_of)
        study.mirror.create(claim)
    assert audit(written).is_sound
    execute(written, EXPIRE)
    assert codes(audit(written)) == {"lease_ran_out", "running_without_claim"}


def test_a_study_among_others(written: str) -> None:
    with writing_to(written, "second") as study:
        study.complete()
    execute(written, FAULTS["optuna_state"][1][0])
    assert audit(written, "second").is_sound
    [finding] = audit(written).findings
    assert str(finding) == f"study {NAME!r}: 1 ended trials in another state in Optuna: trial 0"
    with pytest.raises(StudyMissing, match=r"'third'.*found 'every state', 'second'"):
        audit(written, "third")


def test_many_faults_are_counted_and_some_are_named(written: str) -> None:
    execute(written, "UPDATE trials SET state = 'WAITING' WHERE state <> 'RUNNING'")
    [finding] = audit(written).findings
    assert (finding.count, len(finding.examples)) == (6, 5)
    assert str(finding).endswith("trial 4, ...")


def test_an_audit_changes_nothing(sqlite_written: Path, tmp_path: Path) -> None:
    path = shutil.copy(sqlite_written, tmp_path)
    before = Path(path).read_bytes()
    assert audit(f"sqlite:///{path}").studies
    assert Path(path).read_bytes() == before


def test_rows_that_belong_to_nothing(sqlite_written: Path, tmp_path: Path) -> None:
    path = shutil.copy(sqlite_written, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM trial_params WHERE trial_id = 1")
    connection.execute("DELETE FROM studies")
    connection.commit()
    connection.close()
    assert {"foreign_keys", "study_deleted"} == codes(audit(f"sqlite:///{path}"))


def test_a_damaged_file_is_unsound(
    sqlite_written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(sqlite_written, tmp_path))
    content = bytearray(path.read_bytes())
    for page in range(20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = bytes(100)
    path.write_bytes(content)
    assert main(["check", "--storage", f"sqlite:///{path}"]) == 1
    assert "faults in the file: " in capsys.readouterr().out


def test_the_command_says_what_it_found(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--storage", written]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f": schema {head()}, Optuna's v3.2.0.a")
    assert lines[1:] == [
        "study 'every state': 2 complete, 1 failed, 1 pruned, 1 released, 1 retry, 1 running",
        "sound",
    ]
    execute(written, *FAULTS["predictions"][1])
    assert main(["check", "--storage", written, "--study-name", NAME, "--format", "json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["sound"] is False
    assert shown["schema"] == head()
    assert shown["studies"] == [{"study_id": 1, "name": NAME, "states": STATES}]
    assert shown["findings"] == [
        {
            "study": NAME,
            "code": "predictions",
            "what": "complete trials without predictions for every fold",
            "count": 1,
            "examples": ["trial 0"],
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--study-name", "none"], "expected study 'none'"), (["--storage", "mysql://h/d"], "mysql")],
)
def test_a_mistake_ends_with_2(
    sqlite_url: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--storage", sqlite_url, *arguments]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert (shown.out, shown.err.count("\n")) == ("", 1)


def test_a_schema_of_another_version_cannot_be_judged(own_url: str) -> None:
    execute(own_url, "UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    with pytest.raises(SchemaError, match="older Optuna"):
        audit(own_url)
    execute(own_url, "UPDATE study_alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="found 9999"):
        audit(own_url)
    execute(own_url, "DROP TABLE study_alembic_version")
    with pytest.raises(SchemaMissing):
        audit(own_url)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no such database"):
        audit(f"sqlite:///{tmp_path}/study.db")
    assert list(tmp_path.iterdir()) == []
