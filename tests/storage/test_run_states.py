"""Whatever order things happen in, a cell has at most one running or finished row."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from storage import queries, studies
from storage.engine import open_engine
from storage.errors import ClaimLost
from storage.runs import Holder, RunResult, Runs
from storage.schema import upgrade
from tests.storage.conftest import HOLDER, MADE_OF, OTHER, STUDY, cells
from tests.storage.lost_answers import LostAnswers

HELD = {"running", "complete", "pruned", "failed"}
CELLS = cells(4)
HOLDERS = [HOLDER, OTHER]


class RunStates(RuleBasedStateMachine):
    claims = Bundle("claims")

    @initialize()
    def open_database(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(Path(made().name, "study.db"), self.folder)
        self.engine = open_engine(f"sqlite:///{self.folder}/study.db")
        studies.record(self.engine, STUDY)
        self.runs = [Runs(self.engine, STUDY.study_id, holder) for holder in HOLDERS]
        self.lost = LostAnswers(self.engine)
        self.trial = 0
        self.expected: dict[int, str] = {}
        self.holder: dict[int, Holder] = {}

    @rule()
    def lose_an_answer(self) -> None:
        """The next commit succeeds, and whoever made it hears that it did not."""
        self.lost.left = 1

    @rule(target=claims, who=st.integers(0, 1), limit=st.integers(1, 3))
    def claim(self, who: int, limit: int) -> object:
        held = [row.cell for row in self.rows() if row.state in HELD]
        free = [cell.hash for cell in CELLS if cell.hash not in held]
        claimed = self.runs[who].claim(CELLS, limit, MADE_OF)
        assert [claim.cell.hash for claim in claimed] == free[:limit]
        for claim in claimed:
            self.trial += 1
            self.runs[who].attach({claim.run_id: (self.trial, self.trial)})
            self.expected[claim.run_id] = "running"
            self.holder[claim.run_id] = HOLDERS[who]
        return multiple(*[(who, claim.run_id) for claim in claimed])

    @rule(claim=claims, state=st.sampled_from(["complete", "pruned"]))
    def complete(self, claim: tuple[int, int], state: str) -> None:
        who, run_id = claim
        accepted = self.runs[who].complete(
            run_id,
            RunResult(0.5, (), 1.0, "worker", "cpu"),
            state="complete" if state == "complete" else "pruned",
        )
        assert accepted == (self.expected[run_id] in {"running", state})
        self.change(run_id, state)

    @rule(claim=claims, final=st.booleans())
    def fail(self, claim: tuple[int, int], final: bool) -> None:
        who, run_id = claim
        before = self.expected[run_id]
        try:
            state = self.runs[who].fail(run_id, "exception", "boom", None, final)
        except ClaimLost:
            assert before != "running"
        else:
            assert before in {"running", state}
            self.change(run_id, state)

    @rule(claim=claims)
    def release(self, claim: tuple[int, int]) -> None:
        who, run_id = claim
        released = self.runs[who].release(run_id, "interrupted")
        assert released == (self.expected[run_id] in {"running", "released"})
        self.change(run_id, "released")

    @rule(claim=consumes(claims))
    def steal(self, claim: tuple[int, int]) -> None:
        """The holder of this claim is found to be dead."""
        dead = HOLDERS[claim[0]]

        def is_alive(holder: Holder) -> bool:
            return holder != dead

        answers_lost = self.lost.left > 0
        reaped = {lost.run_id for lost in self.runs[1 - claim[0]].reap(is_alive)}
        gone = {
            run
            for run, state in self.expected.items()
            if state == "running" and self.holder[run] == dead
        }
        assert reaped == (set() if answers_lost else gone)
        for run in gone:
            self.expected[run] = "released"

    @invariant()
    def states_are_as_expected(self) -> None:
        if hasattr(self, "engine"):
            assert {row.run_id: row.state for row in self.rows()} == self.expected

    @invariant()
    def no_cell_is_held_twice_or_tried_too_often(self) -> None:
        if hasattr(self, "engine"):
            rows = self.rows()
            held = Counter(row.cell for row in rows if row.state in HELD)
            retries = Counter(row.cell for row in rows if row.state == "retry")
            assert max(held.values(), default=0) <= 1
            assert max(retries.values(), default=0) <= 2

    def change(self, run_id: int, state: str) -> None:
        if self.expected[run_id] == "running":
            self.expected[run_id] = state

    def rows(self) -> list[queries.TrialRow]:
        return queries.trial_rows(self.engine, STUDY.study_id)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()
            shutil.rmtree(self.folder)


@cache
def made() -> tempfile.TemporaryDirectory[str]:
    """Folder with a database that has the schema in it; removed when the tests end."""
    folder = tempfile.TemporaryDirectory()
    upgrade(f"sqlite:///{folder.name}/study.db")
    return folder


TestRunStates = RunStates.TestCase
TestRunStates.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
