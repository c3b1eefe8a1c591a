"""A WSGI application that can be looked at and not changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from study.web.refusal import refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS = frozenset({"GET", "HEAD"})
REFUSAL = "This dashboard is read-only; start it with --allow-writes to change a study."


def readonly(application: WSGIApplication) -> WSGIApplication:
    """Answer every request but GET and HEAD with 403, without asking the application."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in READS:
            return application(environ, start_response)
        return refuse(environ, start_response, REFUSAL)

    return guarded
