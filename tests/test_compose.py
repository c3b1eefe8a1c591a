"""The compose files: what docs/deployment.md promises of them, read off the merged YAML."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from sqlalchemy.engine import make_url

from tests.composed import BASE, CPU, OURS, REMOTE, ROOT, VARIABLE, Tree, compose, services

EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
NEWEST_NEEDED = (2, 24)
"""Compose that knows !reset."""


def devices(service: Tree) -> list[Tree]:
    found: list[Tree] = service["deploy"]["resources"]["reservations"].get("devices", [])
    return found


def test_there_are_these_services() -> None:
    assert services().keys() == {"db", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_services_of_ours_can_do_little(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["tmpfs"] == "/tmp"
    assert not {"privileged", "cap_add", "user", "pid", "network_mode"} & service.keys()


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    flags = "--preset full"
    python, dash_m, module, *arguments = services(RUN_FLAGS=flags)[name]["command"].split()
    assert (python, dash_m) == ("python", "-m")
    asked = [sys.executable, "-m", module, "--help"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for word in arguments:
        if word.startswith("--") or module == "storage":
            assert re.search(rf"^\s*{word}\b", told, re.MULTILINE), told


@pytest.mark.parametrize("override", [(), (CPU,), (REMOTE,)])
def test_nothing_listens_beyond_this_machine(override: tuple[str, ...]) -> None:
    ports = [port for service in services(*override).values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports
    assert services(*override)["dashboard"]["ports"] == ["127.0.0.1:8080:8080"]


def test_only_the_dashboard_has_a_way_out_of_the_network_of_the_database() -> None:
    tree = compose()
    assert tree["networks"]["database"] == {"internal": True}
    assert not services()["db"].keys() & {"ports", "expose"}
    networks = {name: service["networks"] for name, service in tree["services"].items()}
    assert networks.pop("dashboard") == ["database", "outside"]
    assert all(of == ["database"] for of in networks.values())


def test_each_service_gets_the_role_and_the_passwords_it_needs_and_no_other() -> None:
    role = {"roles": "admin", "migrate": "owner", "worker": "worker", "dashboard": "viewer"}
    for name in OURS:
        service = services()[name]
        url = make_url(service["environment"]["STUDY_STORAGE"])
        assert (url.username, url.password) == (f"study_{role[name]}", None)
        password = service["environment"]["STUDY_STORAGE_PASSWORD_FILE"]
        assert password == f"/run/secrets/{role[name]}_password"
        given = {f"{role[name]}_password"}
        others = {f"{of}_password" for of in ("owner", "worker", "viewer") if name == "roles"}
        assert set(service["secrets"]) == given | others
    assert services()["db"]["secrets"] == ["admin_password"]


def test_passwords_stand_in_files_alone() -> None:
    tree = compose(REMOTE)
    for name, service in tree["services"].items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert variable.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"], name
            elif "://" in value:
                assert make_url(value).password is None
        assert "PASSWORD" not in str(service.get("command", ""))
        assert "PASSWORD" not in str(service.get("build", ""))
    files = {of["file"] for of in tree["secrets"].values()}
    assert files == {f"./secrets/{name}" for name in tree["secrets"]}


def test_services_start_one_after_the_other() -> None:
    needs = {name: services()[name]["depends_on"] for name in OURS}
    done = {"condition": "service_completed_successfully"}
    assert needs == {
        "roles": {"db": {"condition": "service_healthy"}},
        "migrate": {"roles": done},
        "worker": {"migrate": done},
        "dashboard": {"migrate": done},
    }


def test_the_database_is_pinned_kept_and_asked_by_tcp_whether_it_is_there() -> None:
    db = services()["db"]
    assert re.fullmatch(r"postgres:\d+", db["image"])
    assert db["volumes"] == ["database:/var/lib/postgresql/data"]
    assert "database" in compose()["volumes"]
    command, *arguments = db["healthcheck"]["test"]
    assert (command, arguments[0]) == ("CMD", "pg_isready")
    assert "--host" in arguments  # the socket answers before the database is made
    names = db["environment"]
    assert names["POSTGRES_USER"] in arguments
    assert names["POSTGRES_DB"] in arguments
    for name in OURS:
        assert make_url(services()[name]["environment"]["STUDY_STORAGE"]).database == "study"


def test_a_worker_gets_the_gpu_unless_there_is_none() -> None:
    (gpu,) = devices(services()["worker"])
    assert gpu == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    assert devices(services(CPU)["worker"]) == []
    others = [name for name, service in services().items() if "deploy" in service]
    assert others == ["worker"]


def test_workers_can_be_many_and_end_well() -> None:
    worker = services()["worker"]
    assert not {"container_name", "ports", "hostname"} & worker.keys()
    assert worker["stop_signal"] == "SIGTERM"
    assert worker["stop_grace_period"] == "1m"
    assert re.fullmatch(r"on-failure:[1-9]", worker["restart"])


def test_workers_share_what_is_kept_and_cannot_write_to_data() -> None:
    cache, data = services(DATA_FOLDER="./own")["worker"]["volumes"]
    assert cache == "cache:/cache"
    assert data["source"], data["target"] == ("./own", "/data")
    assert (data["type"], data["read_only"]) == ("bind", True)
    assert data["bind"] == {"create_host_path": False}
    environment = services()["worker"]["environment"]
    assert environment["STUDY_CACHE"] == environment["TMPDIR"] == "/cache"


def test_over_several_machines_the_database_is_reached_where_it_is_told() -> None:
    over = services(REMOTE, DATABASE_ADDRESS="10.0.0.1", DATABASE_HOST="first.lan")
    assert over["db"]["ports"] == ["10.0.0.1:5432:5432"]
    url = make_url(over["worker"]["environment"]["STUDY_STORAGE"])
    assert (url.username, url.host, url.database) == ("study_worker", "first.lan", "study")
    assert {"database", "outside"} == set(over["worker"]["networks"]) == set(over["db"]["networks"])
    kept = over["worker"]["environment"]["STUDY_STORAGE_PASSWORD_FILE"]
    assert kept == "/run/secrets/worker_password"


def test_the_example_says_all_variables_as_they_are_without_it() -> None:
    text = "".join((ROOT / file).read_text() for file in (BASE, CPU, REMOTE))
    assert dict(VARIABLE.findall(text)) == EXAMPLE
    assert text.count("${") == len(VARIABLE.findall(text))


def tool() -> list[str]:
    """Compose as a command; skips where it is missing or too old."""
    found = "none"
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        asked = [*command, "version", "--short"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        version = re.match(r"v?(\d+)\.(\d+)", told.stdout)
        if told.returncode == 0 and version:
            found = version[0]
            if (int(version[1]), int(version[2])) >= NEWEST_NEEDED:
                return command
    pytest.skip(f"expected Compose {'.'.join(map(str, NEWEST_NEEDED))} or newer, found {found}")


@pytest.mark.parametrize("overrides", [(), (CPU,), (REMOTE,), (CPU, REMOTE)])
def test_compose_itself_reads_the_files_so(overrides: tuple[str, ...]) -> None:
    files = [word for file in (BASE, *overrides) for word in ("-f", file)]
    command = [*tool(), "--env-file", ".env.example", *files, "config", "--format", "json"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    read = json.loads(told.stdout)["services"]
    ours = services(*overrides)
    assert read.keys() == ours.keys()
    for name in OURS:
        assert read[name]["environment"] == ours[name]["environment"]
        assert " ".join(read[name]["command"]) == " ".join(ours[name]["command"].split())
    assert len(devices(read["worker"]) if "deploy" in read["worker"] else []) == len(
        devices(ours["worker"])
    )
    assert {port["host_ip"] for port in read["dashboard"]["ports"]} == {"127.0.0.1"}
