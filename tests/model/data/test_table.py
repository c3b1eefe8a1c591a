from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.data.sequences import Recording
from model.data.table import read_table
from model.errors import ConfigError, DataError
from tests.model.data.tables import (
    ACC,
    OTHERS,
    ROT,
    ROWS,
    TARGETS,
    description,
    small_table,
    write_description,
    write_table,
)

WISDM51 = Path(__file__).parents[3] / "data" / "wisdm51" / "wisdm51.toml"


def assert_same(one: Recording, other: Recording) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)
            assert value.dtype == getattr(other, name).dtype, name
        else:
            assert value == getattr(other, name), name


@pytest.fixture(scope="module")
def wisdm51() -> Recording:
    return read_table(WISDM51)


def test_wisdm51_has_the_published_size(wisdm51: Recording) -> None:
    assert wisdm51.acc.shape == (502_709, 3)
    assert len(wisdm51.start) == len(wisdm51.sequence_id) == 8_240
    assert (wisdm51.length.min(), wisdm51.length.max()) == (30, 160)
    assert len(wisdm51.subject_names) == 46
    assert len(wisdm51.hierarchy.fine) == 18
    assert wisdm51.hierarchy.is_target.sum() == 8
    assert wisdm51.rate_hz == 10
    assert wisdm51.rot is not None
    assert wisdm51.rot.shape == (502_709, 4)


def test_wisdm51_says_of_every_sequence_what_its_rows_say(wisdm51: Recording) -> None:
    table = pd.read_parquet(WISDM51.with_suffix(".parquet"))
    first = table.groupby("sequence_id", sort=False).first()
    fine = np.array(wisdm51.hierarchy.fine)
    assert list(fine) == sorted(fine)
    assert list(fine[wisdm51.label]) == list(first["activity"])
    names = np.array(wisdm51.subject_names)
    assert list(names[wisdm51.subject]) == [str(subject) for subject in first["subject"]]
    assert list(wisdm51.sequence_id) == [str(sequence) for sequence in first.index]
    np.testing.assert_array_equal(wisdm51.acc, table[ACC])


def test_wisdm51_pilots_are_eight_of_its_subjects(wisdm51: Recording) -> None:
    assert len(set(wisdm51.pilot_subjects)) == 8
    assert set(wisdm51.pilot_subjects) < set(wisdm51.subject_names)


def test_recording_holds_the_table(tmp_path: Path) -> None:
    table = small_table()
    recording = read_table(write_table(tmp_path, table))
    np.testing.assert_array_equal(recording.acc, table[ACC])
    np.testing.assert_array_equal(recording.rot, table[ROT])
    np.testing.assert_array_equal(recording.extra, table[["heat"]])
    assert recording.extra_names == ("heat",)
    assert list(recording.start) == list(range(0, len(table), ROWS))
    assert list(recording.length) == [ROWS] * 12
    assert list(recording.sequence_id) == list(table["bout"].unique())
    assert recording.subject_names == ("ann", "bob", "eve")
    assert recording.pilot_subjects == ("bob",)
    assert recording.rate_hz == 20


def test_ids_follow_sorted_names_and_not_the_order_of_the_description(tmp_path: Path) -> None:
    recording = read_table(write_table(tmp_path, small_table()))
    assert recording.hierarchy.fine == ("knit", "mow", "walk", "zip")
    named = [recording.hierarchy.fine[label] for label in recording.label[:4]]
    assert named == TARGETS + OTHERS
    assert list(recording.hierarchy.is_target[recording.label[:4]]) == [True, True, False, False]


def test_csv_and_parquet_read_the_same(tmp_path: Path) -> None:
    table = small_table()
    table.loc[3, ROT] = np.nan
    table.loc[7, "heat"] = np.nan
    as_csv = read_table(write_table(tmp_path, table))
    as_parquet = read_table(write_table(tmp_path, table, path="table.parquet"))
    categories = table.astype(dict.fromkeys(("who", "bout", "doing"), "category"))
    as_categories = read_table(write_table(tmp_path, categories, path="table.parquet"))
    as_gzip = read_table(write_table(tmp_path, table, path="table.csv.gz"))
    for other in (as_parquet, as_categories, as_gzip):
        assert_same(as_csv, other)


def test_names_may_be_numbers(tmp_path: Path) -> None:
    table = small_table()
    table["who"] = table["who"].map({"ann": 3, "bob": 20, "eve": 100})
    table["doing"] = table["doing"].map({"zip": 7, "knit": 11, "walk": 2, "mow": 0})
    changes: dict[str, object] = {"labels": {"targets": [7, 11]}, "subjects": {"pilot": [20]}}
    as_csv = read_table(write_table(tmp_path, table, **changes))
    as_parquet = read_table(write_table(tmp_path, table, path="table.parquet", **changes))
    assert_same(as_csv, as_parquet)
    assert as_csv.hierarchy.fine == ("0", "11", "2", "7")
    assert as_csv.pilot_subjects == ("20",)


def test_others_default_to_all_labels_left(tmp_path: Path) -> None:
    file = write_table(tmp_path, small_table(), labels={"targets": TARGETS})
    assert read_table(file).hierarchy.fine == ("knit", "mow", "walk", "zip")


def test_rot_and_extra_are_optional(tmp_path: Path) -> None:
    file = write_table(
        tmp_path,
        small_table()[["who", "bout", "step", "doing", *ACC]],
        sensors={"acc": ACC},
        subjects=None,
    )
    recording = read_table(file)
    assert recording.rot is None
    assert recording.extra.shape == (60, 0)
    assert recording.pilot_subjects == ()


def test_a_row_has_its_whole_orientation_or_none(tmp_path: Path) -> None:
    table = small_table()
    table.loc[4, "rot_y"] = np.nan
    table.loc[9, ROT] = np.nan
    recording = read_table(write_table(tmp_path, table))
    assert recording.rot is not None
    assert list(np.flatnonzero(np.isnan(recording.rot).all(axis=1))) == [4, 9]
    assert list(np.flatnonzero(np.isnan(recording.rot).any(axis=1))) == [4, 9]


def test_the_path_is_relative_to_the_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    small_table().to_csv(tmp_path / "below" / "mine.csv", index=False)
    file = write_description(tmp_path, description(path="below/mine.csv"))
    monkeypatch.chdir("/")
    assert len(read_table(file).start) == 12


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": 10}, ["rate: unknown key; did you mean 'rate_hz'?"]),
        ({"rate_hz": None}, ["rate_hz: missing"]),
        ({"rate_hz": 0}, ["rate_hz", "greater than 0", "found 0"]),
        ({"labels": {"tragets": ["zip"]}},
         ["tragets: unknown key; did you mean 'labels.targets'?", "labels.targets: missing"]),
        ({"sensors": {"acc": ["acc_x", "acc_y"]}}, ["sensors.acc", "at least 3 items"]),
        ({"sensors": {"acc": ["acc_x", "acc_x", "acc_z"]}}, ["found more often: acc_x"]),
        ({"labels": {"targets": ["zip"], "others": ["zip"]}}, ["found more often: zip"]),
        ({"labels": {"targets": []}}, ["labels.targets", "at least 1 item"]),
        ({"path": "table.xlsx"}, ["path", ".parquet", "found 'table.xlsx'"]),
    ],
)  # fmt: skip
def test_a_mistaken_description_says_so(
    tmp_path: Path, changes: dict[str, object], said: list[str]
) -> None:
    file = write_table(tmp_path, small_table(), path="table.csv")
    write_description(tmp_path, description(**changes))
    with pytest.raises(ConfigError) as raised:
        read_table(file)
    assert str(file) in str(raised.value)
    assert "Known keys: path, columns.subject, " in str(raised.value)
    for words in said:
        assert words in str(raised.value)


def test_all_mistakes_of_a_description_come_in_one_message(tmp_path: Path) -> None:
    changes: dict[str, object] = {"path": None, "rate_hz": "fast", "colums": {}}
    file = write_description(tmp_path, description(**changes))
    with pytest.raises(ConfigError) as raised:
        read_table(file)
    for words in ("path: missing", "found 'fast'", "did you mean 'columns'?"):
        assert words in str(raised.value)


def test_no_description(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_table(tmp_path / "none.toml")


def test_a_description_that_is_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text("path = ")
    with pytest.raises(ConfigError, match="expected a TOML file"):
        read_table(file)


def test_no_table(tmp_path: Path) -> None:
    file = write_description(tmp_path, description())
    with pytest.raises(DataError, match="expected a table, found no such file"):
        read_table(file)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    with pytest.raises(DataError, match=r"table\.csv is empty"):
        read_table(write_description(tmp_path, description()))


def test_a_header_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(write_table(tmp_path, small_table().head(0)))


def test_a_csv_cut_within_a_row(tmp_path: Path) -> None:
    file = write_table(tmp_path, small_table())
    table = tmp_path / "table.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:31], lines[31][:20]]))
    with pytest.raises(DataError, match=r"without its 12 fields.*; first: line 32 has"):
        read_table(file)


def test_a_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00who,\x00\n\x00\xff")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        read_table(write_description(tmp_path, description()))


@pytest.mark.parametrize("kept", [0.0001, 0.5, 0.999])
def test_a_parquet_cut_short(tmp_path: Path, kept: float) -> None:
    file = write_table(tmp_path, small_table(), path="table.parquet")
    table = tmp_path / "table.parquet"
    content = table.read_bytes()
    table.write_bytes(content[: 1 + int(kept * len(content))])
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_table(file)


def test_missing_and_misspelt_columns(tmp_path: Path) -> None:
    table = small_table().rename(columns={"acc_y": "Acc_Y", "bout": "kept_apart"})
    with pytest.raises(DataError) as raised:
        read_table(write_table(tmp_path, table))
    assert "column 'acc_y' is missing; did you mean 'Acc_Y'?" in str(raised.value)
    assert "column 'bout' is missing; there are who, kept_apart, step" in str(raised.value)


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    table = small_table().rename(columns={"heat": "acc_x"})
    file = write_table(tmp_path, table, sensors={"acc": ACC})
    with pytest.raises(DataError, match="column 'acc_x' is there 2 times"):
        read_table(file)


@pytest.mark.parametrize("path", ["table.csv", "table.parquet"])
def test_text_among_the_numbers(tmp_path: Path, path: str) -> None:
    table = small_table().astype({"acc_x": str, "heat": str})
    table.loc[[2, 11], "acc_x"] = "left"
    with pytest.raises(DataError) as raised:
        read_table(write_table(tmp_path, table, path=path))
    (fault,) = raised.value.faults
    assert fault.what == "column 'acc_x': expected numbers, found other things"
    assert fault.count == 2
    assert fault.examples == ("row 2: 'left'", "row 11: 'left'")


@pytest.mark.parametrize("path", ["table.csv", "table.parquet"])
def test_faults_of_the_file_and_of_its_rows_come_in_one_message(tmp_path: Path, path: str) -> None:
    table = small_table().astype({"acc_x": str}).drop(columns="heat")
    table.loc[2, "acc_x"] = "left"
    table.loc[6, "acc_y"] = np.nan
    table.loc[table.index[-5:], "doing"] = "wlak"
    table.loc[21, "step"] = 0  # as that of row 20
    with pytest.raises(DataError) as raised:
        read_table(write_table(tmp_path, table, path=path))
    assert "5 faults" in str(raised.value)
    for words in (
        "column 'heat' is missing",
        "column 'acc_x': expected numbers",
        "acc is not finite, expected m/s^2; first: sequence s1, row 6",
        "'wlak' in 5 rows; did you mean 'walk'?",
        "counter repeats within a sequence, expected it to go up; first: sequence s4, row 21",
    ):
        assert words in str(raised.value)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory from /proc")
def test_memory_does_not_grow_with_columns_that_are_not_read(tmp_path: Path) -> None:
    header, *lines = small_table().to_csv(index=False).splitlines()
    unused = [f"unused_{number}" for number in range(300)]
    lines = [",".join([line, *["0.1234567"] * 300]) + "\n" for line in lines]
    with (tmp_path / "table.csv").open("w") as file:
        file.write(",".join([header, *unused]) + "\n")
        for _ in range(2_000):
            file.writelines(lines)
    program = (
        "import pathlib, sys\n"
        "from model.data.description import read_description\n"
        "from model.data.table import read_rows\n"
        "rows = read_rows(read_description(pathlib.Path(sys.argv[1])))\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(rows.count, status.split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", program, str(write_description(tmp_path, description()))]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, peak_kib = map(int, ran.stdout.split())
    assert rows == 120_000
    assert (tmp_path / "table.csv").stat().st_size > 350 * 2**20
    assert peak_kib < 250 * 2**10
