"""The dashboard as a real server in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from storage.optuna_schema import open_optuna
from tests.study.recorded import database
from tests.study.served import COMMAND, asked, raw, serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = database(tmp_path_factory.mktemp("dashboard"))
    optuna.create_study(storage=open_optuna(url), study_name="shown", direction="maximize")
    return url


@pytest.fixture(scope="module")
def address(url: str) -> Iterator[str]:
    with serving("--storage", url) as (address, _):
        yield address


def test_pages_and_studies_can_be_read(address: str) -> None:
    status, page = asked(f"{address}/dashboard")
    assert status == 200
    assert b"<html" in page.lower()
    status, listed = asked(f"{address}/api/studies")
    assert [study["study_name"] for study in json.loads(listed)["study_summaries"]] == ["shown"]
    assert asked(f"{address}/dashboard", "HEAD") == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/studies", {"study_name": "new", "directions": ["minimize"]}),
        ("POST", "/api/studies", {"study_name": "n" * 200_000, "directions": ["minimize"]}),
        ("DELETE", "/api/studies/1", None),
        ("PUT", "/api/studies/1/note", {"body": "new", "version": 1}),
        ("PATCH", "/", None),
        ("get", "/", None),
    ],
)
def test_whatever_could_write_is_refused(
    address: str, method: str, path: str, body: object
) -> None:
    status, said = asked(f"{address}{path}", method, body)
    assert status == 403
    assert b"--allow-writes" in said
    studies = json.loads(asked(f"{address}/api/studies")[1])["study_summaries"]
    assert [study["study_name"] for study in studies] == ["shown"]


def test_allow_writes_allows_them_and_ctrl_c_ends_with_0(url: str) -> None:
    with serving("--storage", url, "--allow-writes") as (address, process):
        body = {"study_name": "made", "directions": ["minimize"]}
        assert asked(f"{address}/api/studies", "POST", body)[0] == 201
        made = json.loads(asked(f"{address}/api/studies")[1])["study_summaries"]
        (study_id,) = (s["study_id"] for s in made if s["study_name"] == "made")
        assert asked(f"{address}/api/studies/{study_id}", "DELETE")[0] == 204
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def failure(*flags: str) -> str:
    """What a start that must fail says."""
    command = [*COMMAND, *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_port_in_use_is_said(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failure("--storage", url, "--port", str(port))
    assert said == f"cannot listen on 127.0.0.1, port {port}: Address already in use\n"


def test_unknown_host_is_said(url: str) -> None:
    said = failure("--storage", url, "--host", "no-such-host.invalid")
    assert said == "--host no-such-host.invalid: no such host is known\n"


def test_missing_database_is_said_and_not_created(tmp_path: Path) -> None:
    assert "there is no such database" in failure("--storage", f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_page_whose_name_leads_here_is_refused(address: str) -> None:
    for host in ("evil.example", "evil.example:8080", "localhost.evil.example", "0.0.0.0", None):
        status, _, said = raw(address, "/api/studies", host)
        assert status == 403
        assert b"--allow-host" in said
        assert b"shown" not in said
    for host in ("localhost", "127.0.0.1:8080", "[::1]:8080"):
        assert raw(address, "/api/studies", host)[0] == 200


@pytest.mark.parametrize("path", ["/dashboard", "/api/studies", "/api/studies/99", "/none"])
def test_every_answer_tells_browsers_what_not_to_do(address: str, path: str) -> None:
    _, headers, _ = raw(address, path, "localhost")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    policies = headers.get_all("Content-Security-Policy", [])
    assert "frame-ancestors 'none'" in policies
    assert any("object-src 'none'" in policy for policy in policies) == (path == "/dashboard")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../_app.py",
        "/static/..%2f_app.py",
        "/static/%2e%2e/%2e%2e/optuna_dashboard/_app.py",
        "/static//etc/passwd",
        "/static/....//etc/passwd",
        "/dashboard/../../../etc/passwd",
    ],
)
def test_files_beside_the_pages_are_not_served(address: str, path: str) -> None:
    status, _, body = raw(address, path, "localhost")
    assert b"import" not in body
    assert b"root:" not in body
    assert status in {403, 404} or b"<html" in body.lower()


def test_who_serves_others_says_under_which_names_and_is_warned_of_writers(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ("--host", "0.0.0.0", "--allow-writes", "--allow-host", "Study.Example")
    with serving("--storage", url, *flags) as (address, process):
        for host in ("study.example", "study.example:443", "localhost"):
            assert raw(address, "/api/studies", host)[0] == 200
        assert raw(address, "/api/studies", "evil.example")[0] == 403
        process.terminate()
        assert process.wait(10) == 0
    assert "can change and delete studies" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["http://study.example", "study.example:80", ""])
def test_name_to_answer_to_is_a_name(name: str) -> None:
    assert "expected a host's name or address, without http://" in failure("--allow-host", name)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_port_is_a_number_there_is(port: str) -> None:
    assert f"expected a number from 0 to 65535, found '{port}'" in failure(f"--port={port}")
