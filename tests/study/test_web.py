"""What stands between a browser and optuna-dashboard, asked without a server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi

from storage.optuna_schema import open_optuna
from study.web.application import application
from study.web.headers import HEADERS, with_headers
from study.web.hosts import LOCAL, host_name, is_loopback, only_hosts, served_names
from study.web.readonly import READS, readonly
from tests.study.recorded import database

Write = Callable[[bytes], object]

METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post", "")


@dataclass
class Answer:
    """What an application answered."""

    status: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def start(self, status: str, headers: Sequence[tuple[str, str]], *_: object) -> Write:
        self.status, self.headers = status, tuple(headers)
        return self._write

    def _write(self, data: bytes, /) -> None:
        raise AssertionError


def ask(
    app: WSGIApplication, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str
) -> Answer:
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        **headers,
    }
    setup_testing_defaults(environ)
    answer = Answer()
    parts = app(environ, cast(StartResponse, answer.start))
    answer.body = b"".join(parts)
    getattr(parts, "close", lambda: None)()
    return answer


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = database(tmp_path_factory.mktemp("web"))
    study = optuna.create_study(storage=open_optuna(url), study_name="shown")
    study.ask()
    return url


def paths(url: str, folder: Path) -> list[tuple[str, str]]:
    """Method and path of every route that optuna-dashboard has, artifacts included."""
    app = wsgi(open_optuna(url), FileSystemArtifactStore(folder))
    filled = {"study_id:int": "1", "trial_id:int": "1", "history_id": "h", "plot_type": "none"}
    found = []
    for route in app.routes:
        path = str(route.rule)
        for name, value in filled.items():
            path = path.replace(f"<{name}>", value)
        path = path.replace("<artifact_id:re:[0-9a-fA-F-]+>", "ab-12").replace("<:re:(/.*)?>", "")
        found.append((str(route.method), path.replace("<filename:path>", "bundle.js")))
    return found


def dump(url: str) -> str:
    """All that Optuna's tables hold."""
    engine = open_optuna(url).engine
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        text = "\n".join(raw.iterdump())
    engine.dispose()
    return text


def test_no_route_can_be_written_to(url: str, tmp_path: Path) -> None:
    routes = paths(url, tmp_path)
    writing = {path for method, path in routes if method not in READS}
    assert {"/api/studies/1", "/api/artifacts/1/1", "/api/artifacts/1/ab-12"} <= writing
    assert not [path for path in writing if "<" in path]
    asked: list[WSGIEnvironment] = []
    inner: WSGIApplication = wsgi(open_optuna(url), FileSystemArtifactStore(tmp_path))

    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.append(environ)
        return inner(environ, start_response)

    before = dump(url)
    methods = sorted({*METHODS, *(method for method, _ in routes)} - READS)
    for method, (_, path) in product(methods, routes):
        answer = ask(readonly(noted), method, path, b'{"study_name": "new"}')
        assert answer.status == "403 Forbidden", (method, path)
    assert asked == []
    assert dump(url) == before
    assert list(tmp_path.iterdir()) == []


def test_reading_every_route_changes_nothing(url: str) -> None:
    app = application(url, allow_writes=False)
    before = dump(url)
    read = [path for method, path in paths(url, Path("none")) if method in READS]
    for path in read:
        assert ask(app, "GET", path, HTTP_ACCEPT_ENCODING="gzip").status[:1] in "234", path
        ask(app, "HEAD", path, HTTP_ACCEPT_ENCODING="gzip")
    assert dump(url) == before


def status_for(host: str, *names: str) -> str:
    return ask(only_hosts(hello, [*LOCAL, *names]), HTTP_HOST=host).status


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LocalHost", "127.0.0.1:1", "[::1]", "[::1]:8080"]
)
def test_this_machines_names_are_answered(host: str) -> None:
    assert status_for(host) == "200 OK"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil.example:8080", "127.0.0.1.evil.example"),
        *("", "::1", "[::1", "[::2]", "localhost:80:80", "localhost:a", "user@localhost", " "),
        *("localhost,evil.example", "evil.example,localhost", "127.0.0.2", "0.0.0.0", "localhost/"),
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert status_for(host) == "403 Forbidden"


def test_a_request_without_a_name_is_refused() -> None:
    def nameless(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del environ["HTTP_HOST"]
        return only_hosts(hello, LOCAL)(environ, start_response)

    assert ask(nameless).status == "403 Forbidden"


@given(st.text(max_size=40))
def test_only_names_that_were_given_are_answered(host: str) -> None:
    name, _, port = host.rpartition(":") if host[-1:] != "]" and ":" in host else (host, "", "")
    is_known = name.lower() in {*LOCAL, "study.example"} and not port.strip("0123456789")
    assert (status_for(host, "study.example") == "200 OK") == is_known


@given(st.sampled_from(["study.example", "Study.Example:80", "[::1]:9"]) | st.text(max_size=20))
def test_a_refusal_is_plain_and_says_what_to_do(host: str) -> None:
    answer = ask(only_hosts(hello, ["a.example"]), HTTP_HOST=host)
    assert answer.status == "403 Forbidden"
    assert ("Content-Type", "text/plain; charset=utf-8") in answer.headers
    assert answer.body.startswith(b"expected a.example in the Host header, found ")
    assert answer.body.endswith(b"--allow-host NAME\n")
    assert answer.body.isascii()
    assert answer.body.count(b"\n") == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Study.Example", "study.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "[::1]"),
        ("[0:0::1]", "[::1]"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("my_host-1", "my_host-1"),
    ],
)
def test_names_are_written_as_browsers_write_them(given: str, name: str) -> None:
    assert host_name(given) == name


@pytest.mark.parametrize(
    "text", ["", "http://a", "a:80", "a/b", "[::1]:80", "a b", "a,b", "*", "-"]
)
def test_what_is_no_name_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        host_name(text)


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.0.1.1", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "192.168.0.1"]))


@pytest.mark.parametrize(
    ("host", "is_local", "allowed", "names"),
    [
        ("127.0.0.1", True, [], [*LOCAL]),
        ("my-machine", True, [], [*LOCAL, "my-machine"]),
        ("::1", True, ["a.example"], [*LOCAL, "a.example"]),
        ("0.0.0.0", False, [], None),
        ("0.0.0.0", False, ["a.example"], [*LOCAL, "0.0.0.0", "a.example"]),
    ],
)
def test_names_are_any_only_where_others_are_served(
    host: str, is_local: bool, allowed: list[str], names: list[str] | None
) -> None:
    assert served_names(host, is_local=is_local, allowed=allowed) == names


def test_every_answer_has_the_headers_and_keeps_its_own() -> None:
    app = validator(with_headers(validator(only_hosts(hello, ["127.0.0.1"]))))
    for host, status in (("127.0.0.1", "200 OK"), ("evil.example", "403 Forbidden")):
        answer = ask(app, HTTP_HOST=host)
        assert answer.status == status
        assert {"Content-Type", *dict(HEADERS)} <= dict(answer.headers).keys()
