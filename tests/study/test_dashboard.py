"""The dashboard as a real server in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import optuna
import pytest

from storage.optuna_schema import open_optuna
from tests.study.recorded import database

COMMAND = [sys.executable, "-m", "study.dashboard"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = database(tmp_path_factory.mktemp("dashboard"))
    optuna.create_study(storage=open_optuna(url), study_name="shown", direction="maximize")
    return url


@contextmanager
def serving(url: str, *flags: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the dashboard on a free port; gives its address and the process."""
    command = [*COMMAND, "--storage", url, "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert address, said
            yield address[0], process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address(url: str) -> Iterator[str]:
    with serving(url) as (address, _):
        yield address


def asked(address: str, method: str = "GET", body: object = None) -> tuple[int, bytes]:
    """Status and body of the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(address, data, headers, method=method), timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


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
    with serving(url, "--allow-writes") as (address, process):
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


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_port_is_a_number_there_is(port: str) -> None:
    assert f"expected a number from 0 to 65535, found '{port}'" in failure(f"--port={port}")
