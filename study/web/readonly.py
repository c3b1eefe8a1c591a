"""A WSGI application that can be looked at and not changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS = frozenset({"GET", "HEAD"})
REFUSAL = b"This dashboard is read-only; start it with --allow-writes to change a study.\n"

_LARGEST_DRAINED = 2**20


def readonly(application: WSGIApplication) -> WSGIApplication:
    """Answer every request but GET and HEAD with 403, without asking the application."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in READS:
            return application(environ, start_response)
        _drain(environ)
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(REFUSAL))),
        ]
        start_response("403 Forbidden", headers)
        return [REFUSAL]

    return guarded


def _drain(environ: WSGIEnvironment) -> None:
    """Read the body: a connection closed with some of it unread may lose the answer."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) <= _LARGEST_DRAINED:
        environ["wsgi.input"].read(int(length))
