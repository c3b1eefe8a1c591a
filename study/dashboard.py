"""Serve optuna-dashboard on a study's database, read-only unless told otherwise."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from study.arguments import exit_code, parser
from study.output import show, standard_error

if TYPE_CHECKING:
    from study.web.server import Server


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0 done, 2 a mistake of the user."""
    arguments = _parser().parse_args(argv)
    try:
        return exit_code(lambda: _serve(arguments))
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    made = parser("study.dashboard", __doc__)
    made.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1, this machine)")
    made.add_argument(
        "--port", type=_port, default=8080, help="0 takes any that is free (default: 8080)"
    )
    made.add_argument(
        "--allow-host",
        metavar="NAME",
        type=_host_name,
        action="append",
        default=[],
        help="also answer browsers that reach it under this name; may be given several times "
        "(default: this machine's own names and that of --host, where it serves this machine)",
    )
    made.add_argument(
        "--allow-writes",
        action="store_true",
        help="let visitors change and delete studies; there is no login",
    )
    return made


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, found {text!r}")
    return int(text)


def _host_name(text: str) -> str:
    from study.web.hosts import host_name

    try:
        return host_name(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a host's name or address, without http:// and port, found {text!r}"
        ) from None


def _serve(arguments: argparse.Namespace) -> None:
    """Check all that can be wrong before importing what takes seconds."""
    from storage.url import resolve_url
    from study.database import existing
    from study.web.hosts import served_names
    from study.web.server import listen

    with existing(arguments.storage), listen(arguments.host, arguments.port) as server:
        from study.web.application import application

        if arguments.allow_writes and not server.is_local:
            _warn_of_writers(server)
        hosts = served_names(arguments.host, is_local=server.is_local, allowed=arguments.allow_host)
        url = resolve_url(arguments.storage)
        server.set_app(application(url, allow_writes=arguments.allow_writes, hosts=hosts))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        show(f"Dashboard: {server.url} (Ctrl-C ends it)\n")
        server.serve_forever()


def _warn_of_writers(server: Server) -> None:
    print(
        f"warning: whoever reaches {server.url} can change and delete studies, and there is no "
        "login; without --host it serves this machine alone",
        file=standard_error(),
    )


if __name__ == "__main__":
    sys.exit(main())
