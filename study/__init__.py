"""Studies: which trials run, who runs them, and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.frames import results

__all__ = ["results"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attributes are of any type)
    """Import `results`, and pandas with it, when it is first asked for."""
    if name == "results":
        from study.frames import results

        return results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
