"""What every answer tells the browser not to do with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "frame-ancestors 'none'"),
)
"""JSON is not taken for a page, addresses are not passed on, and no other page shows this one
in a frame. A second Content-Security-Policy adds to that of the application."""


def with_headers(application: WSGIApplication) -> WSGIApplication:
    """Add HEADERS to every answer."""

    def extended(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *HEADERS], exc_info)

        return application(environ, start)

    return extended
