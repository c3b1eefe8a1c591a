"""The dashboard in a process of its own, and what a browser or another client asks of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.request import Request, urlopen

COMMAND = [sys.executable, "-m", "study.dashboard"]


@contextmanager
def serving(
    *flags: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the dashboard on a free port; gives its address and the process."""
    command = [*COMMAND, "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            address = re.search(r"http://[0-9.]+:\d+", said)
            assert address, said
            yield address[0], process
        finally:
            process.terminate()


def asked(address: str, method: str = "GET", body: object = None) -> tuple[int, bytes]:
    """Status and body of the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(address, data, headers, method=method), timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def raw(address: str, path: str, host: str | None) -> tuple[int, Message, bytes]:
    """Status, headers and body of what is asked for exactly so, under a name."""
    _, _, port = address.rpartition(":")
    connection = HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    connection.putheader("Accept-Encoding", "gzip")
    connection.endheaders()
    answer = connection.getresponse()
    try:
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
