"""A WSGI application that answers only under the names it is meant to be reached by.

Any page on the web can have its own name resolved to 127.0.0.1 (DNS rebinding). A
browser then takes a dashboard on this machine for a part of that page and lets it
read everything; all that tells the two apart is the name in the Host header.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from study.web.refusal import refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names by which a browser reaches its own machine."""

_HEADER = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_LONGEST_SHOWN = 100


def host_name(text: str) -> str:
    """A host's name or address as it stands in a Host header, without its port.

    >>> host_name("Study.Example"), host_name("::1")
    ('study.example', '[::1]')

    Raises:
        ValueError: it is neither.
    """
    lowered = text.encode("idna").decode().lower()
    if _NAME.fullmatch(lowered):
        return lowered
    address = ipaddress.IPv6Address(lowered.removeprefix("[").removesuffix("]"))
    return f"[{address}]"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a server that is bound to an address."""
    return ipaddress.ip_address(address).is_loopback


def served_names(host: str, *, is_local: bool, allowed: Sequence[str]) -> list[str] | None:
    """Names under which a server answers; None for any.

    One that serves other machines does not know what the network calls it: it takes any
    name unless told which.

    Args:
        host: as the server was asked to bind it.
        is_local: whether only this machine reaches it.
        allowed: further names, as `host_name` writes them.
    """
    if not (is_local or allowed):
        return None
    return list(dict.fromkeys([*LOCAL, host_name(host), *allowed]))


def only_hosts(application: WSGIApplication, names: Collection[str]) -> WSGIApplication:
    """Answer a request whose Host header has another name with 403.

    Args:
        application: answers the others.
        names: as `host_name` writes them, without ports.
    """

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_HOST", "")
        parsed = _HEADER.fullmatch(given.lower())
        if parsed and parsed[1] in names:
            return application(environ, start_response)
        why = (
            f"expected {', '.join(names)} in the Host header, found "
            f"{given[:_LONGEST_SHOWN]!a}; use one of these in the address, or start the "
            "dashboard with --allow-host NAME"
        )
        return refuse(environ, start_response, why)

    return guarded
