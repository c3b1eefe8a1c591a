"""Coordinators that run one study together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from storage import queries
from storage.engine import open_engine
from storage.errors import StorageError
from storage.queries import TrialRow
from storage.states import FINISHED
from tests.chaos.conditions import Conditions
from tests.chaos.databases import Database
from tests.study.commands import ROOT, workers_of

CELLS = 200
FOLDS = 2
PLAN = f"""
arms = ["fixed", "uncertainty", "direct"]
folds = {FOLDS}
[grid.fixed]
alpha = {[i / 10 for i in range(1, 11)]}
nine_class_weight = [0.0, 0.1, 0.2, 0.3, 0.5]
kl_weight = [0.05, 0.1]
[grid.uncertainty]
lr_multiplier = {[i / 10 for i in range(1, 31)]}
[grid.direct]
lr_multiplier = {[i / 10 for i in range(1, 41)]}
"""
"""A plan of CELLS cells: 100 fixed, 60 uncertainty, 40 direct."""
ENDED_WELL = (0, 1)
"""Exit codes of a study that is done; with 1, some trials failed for good."""
PATIENCE = 150.0
"""Seconds after which a test gives up waiting."""
MARK = "CHAOS_STUDY"
"""Environment that all processes of a study inherit."""


@dataclass
class Coordinator:
    """One process that runs the study, and what it was started with."""

    process: subprocess.Popen[bytes]
    command: list[str]
    env: Mapping[str, str]
    log_file: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        """All it wrote to standard error."""
        return self.log_file.read_text(errors="replace")


@dataclass
class Service:
    """A study of the first `trials` cells of the plan."""

    database: Database
    folder: Path
    trials: int = CELLS
    epochs: int = 4
    pause: float = 0.05
    """Seconds an epoch takes."""
    coordinators: list[Coordinator] = field(default_factory=list)
    """Those that run or have ended by themselves; one that was started anew is there once."""
    restarts: int = 0
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    _logs: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "plan.toml").write_text(PLAN)
        self._engine = open_engine(self.database.url)

    def start(
        self,
        *flags: object,
        workers: int = 2,
        conditions: Conditions | None = None,
        url: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Coordinator:
        """Start a coordinator. `url`: another way to the same database; `env`: added to ours."""
        arguments = {
            "--n-trials": self.trials,
            "--storage": url or self.database.url,
            "--preset": "smoke",
            "--config": self.folder / "plan.toml",
            "--epochs": self.epochs,
            "--workers": workers,
        }
        given = [str(part) for flag in arguments.items() for part in flag]
        module = ["-m", "tests.chaos.coordinate", (conditions or Conditions()).dumped()]
        command = [sys.executable, *module, *given, *map(str, flags)]
        steady = {"TRAINER_PAUSE": str(self.pause), MARK: self._mark, "OMP_NUM_THREADS": "1"}
        started = self._start(command, {**os.environ, **steady, **(env or {})})
        self.coordinators.append(started)
        return started

    def revive(self) -> int:
        """Start those anew that have ended before the study. Returns how many."""
        dead = [
            (place, coordinator)
            for place, coordinator in enumerate(self.coordinators)
            if not coordinator.is_alive and coordinator.process.returncode not in ENDED_WELL
        ]
        for place, coordinator in dead:
            self.coordinators[place] = self._start(coordinator.command, coordinator.env)
        self.restarts += len(dead)
        return len(dead)

    def rows(self) -> list[TrialRow]:
        """All attempts; none while there is no study, or the database cannot be read."""
        with suppress(StorageError):
            study_id = queries.study_by_name(self._engine, "study").study_id
            return queries.trial_rows(self._engine, study_id)
        return []

    def finished(self) -> int:
        return sum(row.state in FINISHED for row in self.rows())

    def until_finished(self, count: float, *, revives: bool = False) -> None:
        """Wait until so many trials are finished. `revives` as in `finish`."""

        def are_finished() -> bool:
            if revives:
                self.revive()
            is_over = not any(coordinator.is_alive for coordinator in self.coordinators)
            are_there = self.finished() >= count
            assert are_there or not is_over, f"nobody goes on\n{self.logs()}"
            return are_there

        self.until(are_finished)

    def until_all_train(self) -> None:
        """Wait until every coordinator has a trial with a worker."""

        def of(row: TrialRow) -> int | None:
            return None if row.worker is None else int(row.worker.rpartition(":")[2])

        def all_train() -> bool:
            training = {of(row) for row in self.rows()}
            return all(
                training & {worker.pid for worker in workers_of(coordinator.pid)}
                for coordinator in self.coordinators
            )

        self.until(all_train)

    def until(self, is_true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is the case."""
        give_up = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < give_up, f"waited in vain\n{self.logs()}"
            time.sleep(0.05)

    def finish(self, *, revives: bool = False) -> None:
        """Wait until all coordinators have ended well, and nothing of them is left.

        Args:
            revives: start those anew that end otherwise.
        """

        def all_ended() -> bool:
            if revives:
                self.revive()
            return not any(coordinator.is_alive for coordinator in self.coordinators)

        self.until(all_ended)
        codes = [coordinator.process.returncode for coordinator in self.coordinators]
        assert set(codes) <= set(ENDED_WELL), f"exit codes {codes}\n{self.logs()}"
        assert "Traceback" not in self.logs(), self.logs()
        self.until(lambda: not self.survivors(), seconds=10)

    def survivors(self) -> list[int]:
        """Processes of this study that run."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and (
                    process.environ().get(MARK) == self._mark
                ):
                    found.append(process.pid)
        return found

    def logs(self) -> str:
        """What all coordinators wrote to standard error, dead ones included."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')}" for log in self._logs)

    def close(self) -> None:
        """Kill what still runs."""
        self._engine.dispose()
        for pid in self.survivors():
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
        for coordinator in self.coordinators:
            coordinator.process.wait()

    def _start(self, command: list[str], env: Mapping[str, str]) -> Coordinator:
        log = self.folder / f"coordinator-{len(self._logs)}.log"
        self._logs.append(log)
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        return Coordinator(process, command, env, log)
