"""A small threading server for a WSGI application."""

from __future__ import annotations

import socket
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from study.errors import UsageError
from study.web.hosts import is_loopback


class Server(ThreadingMixIn, WSGIServer):
    """One thread a request; threads do not outlive the process."""

    daemon_threads = True
    request_queue_size = 64

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(str(self.server_address[0]))


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Say nothing of requests that went well or were refused."""


def listen(host: str, port: int) -> Server:
    """Bind a server; it answers once it has its application and `serve_forever` is called.

    Raises:
        UsageError: the host is not one of this machine's, or the port is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise UsageError([f"--host {host}: no such host is known"]) from None
    kind = type("Server", (Server,), {"address_family": family})
    try:
        server: Server = kind((str(address[0]), port), _SilentHandler)
    except OSError as error:
        raise UsageError([f"cannot listen on {host}, port {port}: {error.strerror}"]) from None
    return server
