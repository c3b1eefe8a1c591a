"""Refusing a request, so that whoever asked hears why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LARGEST_DRAINED = 2**20


def refuse(environ: WSGIEnvironment, start_response: StartResponse, why: str) -> list[bytes]:
    """Answer with 403 and one line of text."""
    _drain(environ)
    body = f"{why}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start_response("403 Forbidden", headers)
    return [body]


def _drain(environ: WSGIEnvironment) -> None:
    """Read the body: a connection closed with some of it unread may lose the answer."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) <= _LARGEST_DRAINED:
        environ["wsgi.input"].read(int(length))
