from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.data.checks import faults_of
from model.data.description import LabelNames
from model.data.rows import Coded, Rows
from model.errors import Fault
from tests.model.data.tables import ACC, OTHERS, ROT, ROWS, TARGETS, small_table

if TYPE_CHECKING:
    from collections.abc import Callable

LISTED = LabelNames(targets=tuple(TARGETS), others=tuple(OTHERS))


def coded(column: pd.Series[str]) -> Coded:
    codes, names = pd.factorize(column, sort=True)
    return Coded(codes.astype(np.int32), tuple(names))


def rows_of(table: pd.DataFrame) -> Rows:
    return Rows(
        count=len(table),
        subject=coded(table["who"]),
        sequence=coded(table["bout"]),
        label=coded(table["doing"]),
        counter=table["step"].to_numpy(np.float64),
        acc=table[ACC].to_numpy(np.float32),
        rot=table[ROT].to_numpy(np.float32),
        extra=table[["heat"]].to_numpy(np.float32),
        unreadable=np.zeros(len(table), np.bool_),
        faults=(),
    )


def check(table: pd.DataFrame, labels: LabelNames = LISTED) -> list[Fault]:
    return faults_of(rows_of(table), labels, pilot=["bob"])


def put(
    rows: slice | list[int],
    column: str | list[str],
    value: float | str | list[float] | list[str] | None,
) -> Callable[[pd.DataFrame], None]:
    def spoil(table: pd.DataFrame) -> None:
        table.loc[rows, column] = value

    return spoil


def swap_in_time(table: pd.DataFrame) -> None:
    table.loc[[11, 12], "step"] = [2, 1]


FAULTS = {
    "unlisted label": (
        put(slice(10, 14), "doing", "wlak"),
        Fault(
            "label listed neither as target nor as other",
            1,
            ("'wlak' in 5 rows; did you mean 'walk'?",),
        ),
    ),
    "label changes": (
        put([12, 13], "doing", "mow"),
        Fault("label changes within a sequence", 1, ("sequence s2, row 12: 'mow' after 'walk'",)),
    ),
    "subject changes": (
        put([4, 7, 19, 23], "who", "eve"),
        Fault(
            "subject changes within a sequence",
            4,
            (
                "sequence s0, row 4: 'eve' after 'ann'",
                "sequence s1, row 7: 'eve' after 'ann'",
                "sequence s3, row 19: 'eve' after 'ann'",
            ),
        ),
    ),
    "sequence in pieces": (
        put([40], ["bout", "who", "doing"], ["s0", "ann", "zip"]),
        Fault(
            "sequence in pieces, expected its rows together and its id used once",
            1,
            ("sequence s0, row 40 goes on",),
        ),
    ),
    "counter repeats": (
        put([3], "step", 2),
        Fault(
            "counter repeats within a sequence, expected it to go up", 1, ("sequence s0, row 3",)
        ),
    ),
    "counter goes back": (
        swap_in_time,
        Fault(
            "counter goes back within a sequence, expected it to go up",
            1,
            ("sequence s2, row 12",),
        ),
    ),
    "acc not finite": (
        lambda table: [put([5], "acc_x", np.nan)(table), put([6], "acc_z", -np.inf)(table)],
        Fault("acc is not finite, expected m/s^2", 2, ("sequence s1, row 5", "sequence s1, row 6")),
    ),
    "acc all zero": (
        put(slice(15, 19), ACC, 0),
        Fault("acc is zero throughout a sequence", 1, ("sequence s3, row 15",)),
    ),
    "rot too short": (
        put([0], ROT, [0.5, 0.5, 0.5, 0.0]),
        Fault(
            "rot is far from unit length, expected 1 within 0.05",
            1,
            ("sequence s0, row 0: 0.866",),
        ),
    ),
    "rot all zero": (
        put([1], ROT, 0),
        Fault("rot is far from unit length, expected 1 within 0.05", 1, ("sequence s0, row 1: 0",)),
    ),
    "no subject": (
        put([8], "who", None),
        Fault("subject is empty, expected a name in every row", 1, ("sequence s1, row 8",)),
    ),
    "no label": (
        put([9], "doing", None),
        Fault("label is empty, expected a name in every row", 1, ("sequence s1, row 9",)),
    ),
    "no sequence": (
        put([59], "bout", None),
        Fault("sequence is empty, expected a name in every row", 1, ("row 59",)),
    ),
    "no counter": (
        put([59], "step", np.nan),
        Fault("counter is empty, expected a number in every row", 1, ("sequence s11, row 59",)),
    ),
}


def test_a_right_table_has_no_faults() -> None:
    assert check(small_table()) == []


@pytest.mark.parametrize(("spoil", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_found_and_no_other(
    spoil: Callable[[pd.DataFrame], None], expected: Fault
) -> None:
    table = small_table().astype({"step": float})
    spoil(table)
    assert check(table) == [expected]


def test_a_target_that_nobody_did() -> None:
    labels = LabelNames(targets=("zip", "knitt"), others=(*OTHERS, "knit"))
    (fault,) = check(small_table(), labels)
    assert str(fault) == ("target that occurs nowhere; first: 'knitt'; did you mean 'knit'?")


def test_an_other_that_nobody_did_is_no_fault() -> None:
    assert check(small_table(), LabelNames(targets=tuple(TARGETS), others=(*OTHERS, "ski"))) == []


def test_nothing_but_targets() -> None:
    (fault,) = check(small_table(), LabelNames(targets=(*TARGETS, *OTHERS)))
    assert fault.what == "every label is a target, expected at least one other"


def test_a_pilot_subject_who_is_not_there() -> None:
    (fault,) = faults_of(rows_of(small_table()), LISTED, pilot=["bobb", "eve"])
    assert fault.what == "pilot subject that occurs nowhere"
    assert fault.examples == ("'bobb'; did you mean 'bob'?",)


def test_rows_without_orientation_are_no_fault() -> None:
    table = small_table()
    table.loc[[0, 1, 30], ROT] = np.nan
    assert check(table) == []


def test_a_sequence_may_start_from_any_counter_and_leave_some_out() -> None:
    table = small_table()
    table["step"] = 3 * table["step"] + 100
    assert check(table) == []


def test_an_id_used_again_by_another_subject() -> None:
    table = small_table()
    table["bout"] = [f"s{row % 20 // ROWS}" for row in range(len(table))]
    faults = {fault.what.partition(",")[0]: fault for fault in check(table)}
    assert list(faults) == ["sequence in pieces", "subject changes within a sequence"]
    assert faults["sequence in pieces"].count == 4
    assert faults["sequence in pieces"].examples[0] == "sequence s0, row 20 goes on"
    assert faults["subject changes within a sequence"].count == 4


def test_all_faults_come_at_once() -> None:
    table = small_table().astype({"step": float})
    several = ("unlisted label", "counter repeats", "acc not finite", "rot all zero", "no sequence")
    for name in several:
        FAULTS[name][0](table)
    assert sorted(check(table), key=str) == sorted((FAULTS[name][1] for name in several), key=str)


def test_examples_stop_after_three_and_the_count_does_not() -> None:
    table = small_table()
    table["acc_y"] = np.nan
    (fault,) = check(table)
    assert (fault.count, len(fault.examples)) == (60, 3)


def test_no_rows() -> None:
    (fault,) = check(small_table().head(0))
    assert "no rows" in fault.what


@given(
    counter=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=5)
)
def test_counters_are_right_exactly_if_each_sequence_goes_up(counter: list[list[int]]) -> None:
    lengths = [len(steps) for steps in counter]
    table = small_table().sample(sum(lengths), replace=True, random_state=0)
    table["bout"] = np.repeat([f"s{number}" for number in range(len(counter))], lengths)
    table["step"] = [step for steps in counter for step in steps]
    steps = [np.diff(sequence) for sequence in counter]
    counts = {
        fault.what.partition(" within")[0]: fault.count
        for fault in check(table)
        if "counter" in fault.what
    }
    expected = {
        "counter repeats": sum(int((step == 0).sum()) for step in steps),
        "counter goes back": sum(int((step < 0).sum()) for step in steps),
    }
    assert counts == {what: count for what, count in expected.items() if count}


@pytest.mark.parametrize("part", ["subject", "sequence", "label", "counter", "acc", "rot", "extra"])
def test_the_rest_is_checked_where_columns_are_missing(part: str) -> None:
    table = small_table()
    table.loc[2, "acc_x"] = np.inf
    table.loc[3, ROT] = 2.0
    rows = Rows(**{**vars(rows_of(table)), part: None, "faults": (Fault("a column is missing"),)})
    found = {fault.what.partition(" ")[0] for fault in faults_of(rows, LISTED, pilot=[])}
    assert found == {"a", "acc", "rot"} - {part}
