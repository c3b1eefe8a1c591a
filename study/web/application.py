"""What the dashboard serves: optuna-dashboard on the database of a study."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from optuna_dashboard import wsgi

from storage.optuna_schema import open_optuna
from study.web.headers import with_headers
from study.web.hosts import only_hosts
from study.web.readonly import readonly

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def application(
    url: str, *, allow_writes: bool, hosts: Collection[str] | None = None
) -> WSGIApplication:
    """Make the application.

    Args:
        url: of the database.
        allow_writes: if False, whatever could change a study is refused.
        hosts: names under which it answers, as `study.web.hosts.host_name` writes them; None
            for any.

    Raises:
        StorageError: the database cannot be used.
    """
    made: WSGIApplication = wsgi(open_optuna(url, reads_only=not allow_writes))
    if not allow_writes:
        made = readonly(made)
    if hosts is not None:
        made = only_hosts(made, hosts)
    return with_headers(made)
