"""What the dashboard serves: optuna-dashboard on the database of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_dashboard import wsgi

from storage.optuna_schema import open_optuna
from study.web.readonly import readonly

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def application(url: str, *, allow_writes: bool) -> WSGIApplication:
    """Make the application; without `allow_writes` it refuses whatever could change a study.

    Raises:
        StorageError: the database cannot be used.
    """
    dashboard: WSGIApplication = wsgi(open_optuna(url, reads_only=not allow_writes))
    return dashboard if allow_writes else readonly(dashboard)
