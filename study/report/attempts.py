"""Attempts that came to nothing: why they failed, and which cells are free again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from study.logs import escaped

if TYPE_CHECKING:
    from storage.queries import TrialRow


@dataclass(frozen=True)
class Failure:
    """Attempts that failed for one cause."""

    cause: str
    count: int
    final: int
    """Of these, for good; the others ran again or will."""
    last_reason: str


def failures(rows: Sequence[TrialRow]) -> tuple[Failure, ...]:
    """Failed attempts by cause, the most frequent first; `rows` come oldest first."""
    failed = [row for row in rows if row.state in {"failed", "retry"}]
    counts = Counter(row.cause or "unknown" for row in failed)
    final = Counter(row.cause or "unknown" for row in failed if row.state == "failed")
    reasons = {row.cause or "unknown": row.reason or "" for row in failed}
    return tuple(
        Failure(cause, count, final[cause], reasons[cause]) for cause, count in counts.most_common()
    )


def released(rows: Sequence[TrialRow]) -> dict[str, int]:
    """Attempts that were given back, by cause, the most frequent first; none of them failed."""
    causes = Counter(row.cause or "unknown" for row in rows if row.state == "released")
    return dict(causes.most_common())


def free_again(rows: Sequence[TrialRow]) -> list[list[TrialRow]]:
    """Attempts of each cell that was begun and is free to run again, the longest free first.

    `rows` come oldest first, and so do the attempts of a cell.
    """
    free = {"retry", "released"}
    held = {row.cell for row in rows if row.state not in free}
    attempts: dict[str, list[TrialRow]] = {}
    for row in rows:
        if row.cell not in held:
            attempts.setdefault(row.cell, []).append(row)
    return sorted(attempts.values(), key=lambda of_cell: of_cell[-1].run_id)


def last_words(reason: str) -> str:
    """A reason on one line; of a traceback what was raised, which comes last and unindented."""
    lines = reason.strip().splitlines()
    if lines and lines[0].startswith("Traceback "):
        indented = [i for i, line in enumerate(lines) if line.startswith(" ")]
        lines = lines[max(indented, default=0) + 1 :] or lines[-1:]
    return " ".join(" ".join(lines).split())


def in_words(failure: Failure, width: int) -> str:
    """One failure as text, at most four lines."""
    said = f"; last: {escaped(last_words(failure.last_reason))}" if failure.last_reason else ""
    line = f"failed, {failure.cause}: {failure.count} ({failure.final} for good){said}"
    return fill(line, width, subsequent_indent="  ", max_lines=4, placeholder=" ...")
