"""Errors of the study package.

StudyError
├── UsageError       flags, files or variables that say something wrong; carries all faults
├── MismatchError    a study that cannot go on as asked; carries all differences
└── WorkerError      a worker that cannot start
"""

from __future__ import annotations

from collections.abc import Sequence


class StudyError(Exception):
    """Base of what this package raises on purpose; its text is meant for the user."""


class UsageError(StudyError):
    """What the user asked for cannot be done. Every fault found is listed, not the first alone."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"  - {fault}" for fault in self.faults)
        many = f"{len(self.faults)} mistakes in what was asked for\n{listed}"
        super().__init__(self.faults[0] if len(self.faults) == 1 else many)


class MismatchError(StudyError):
    """A study whose data, configuration or model code is not what it was made with."""

    def __init__(self, study: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(
            f"study {study!r} cannot go on: results would not compare with those it holds.\n"
            + "\n".join(f"  - {difference}" for difference in self.differences)
            + "\nUndo the change, take another --study-name, or go on with --accept-changes."
        )


class WorkerError(StudyError):
    """A worker that could not start: data, device or memory; its own message."""
