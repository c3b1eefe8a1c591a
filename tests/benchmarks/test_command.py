"""`python -m benchmarks`: its arguments, its checks, its JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import command, registry, session
from benchmarks.command import main
from benchmarks.gate import Check
from tests.benchmarks.rows import ROWS

ROOT = Path(__file__).parents[2]
FORM = {
    "name", "what", "baseline", "ratio", "low", "high", "repeats", "machine", "skipped", "must",
    "details",
}  # fmt: skip


@pytest.fixture
def made_up_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that take no time, behind checks that take none."""
    for module in (command, session):
        monkeypatch.setattr(module, "ROWS", ROWS)
    passing(monkeypatch, difference=0.0)


def passing(monkeypatch: pytest.MonkeyPatch, difference: float) -> None:
    def gate(tell: Callable[[str], None]) -> list[Check]:
        check = Check("the same", difference, 1e-9)
        tell(str(check))
        return [check]

    monkeypatch.setattr(session, "gate", gate)


def written(file: Path) -> list[dict[str, Any]]:
    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    rows: list[dict[str, Any]] = json.loads(file.read_text(), parse_constant=refuse)
    return rows


def test_rows_are_written_in_their_order_with_one_form(made_up_rows: None, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    asked = ["good", "absent", "--format", "json", "--output", str(file), "--repeats", "2"]
    assert main(asked) == 0
    absent, good = written(file)
    assert absent.keys() == good.keys() == FORM
    assert (good["ratio"], good["low"], good["high"], good["repeats"]) == (4.5, 4.0, 5.0, 2)
    assert good["details"] == {"steps": 3, "lengths": [1.0, None], "few": [1, None]}
    assert good["skipped"] is None
    assert (absent["ratio"], absent["repeats"]) == (None, None)
    assert absent["skipped"] == "no such device"
    machine = good["machine"]
    assert machine["command"] == f"python -m benchmarks {' '.join(asked)}"
    assert machine["checks"] == {"the same": 0.0}
    assert {"cpu", "cores", "memory_gib", "gpu", "packages", "date", "commit"} <= machine.keys()
    assert len(machine["load_before"]) == len(machine["load_after"]) == 3


def test_a_row_that_breaks_costs_no_other(made_up_rows: None, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert main(["bad", "good", "--format", "json", "--output", str(file)]) == 1
    bad, good = written(file)
    assert bad["skipped"] == "failed: RuntimeError: the process ended"
    assert good["ratio"] == 4.5


def test_rows_of_one_measurement_are_measured_once(
    made_up_rows: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["right", "good", "left", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["left", "right", "good"]
    assert [row["what"] for row in rows[:2]] == ["left,right"] * 2
    assert main(["right", "--format", "json"]) == 0
    assert [row["what"] for row in json.loads(capsys.readouterr().out)] == ["right"]


def test_nothing_is_measured_when_a_check_fails(
    made_up_rows: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    passing(monkeypatch, difference=1e-8)
    assert main(["good"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "BROKEN the same" in err
    assert "nothing is measured" in err


def test_table_shows_ratio_spread_and_details(
    made_up_rows: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["good", "absent"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["row", "ratio", "lowest", "highest", "must", "ours", "against"]
    assert lines[1].split() == [
        "absent",
        "-",
        "-",
        "-",
        "-",
        "ours",
        "skipped:",
        "no",
        "such",
        "device",
    ]
    assert lines[2].split() == ["good", "4.5", "4", "5", "4", "ours", "theirs"]
    assert "  steps: 3" in lines
    assert "  lengths: 1, -" in lines


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gpu-shar"], "no row named 'gpu-shar'; did you mean 'gpu-share'?"),
        (["score", "x1", "x2"], "no row named 'x1'\nno row named 'x2'\n"),
        (["--repeats", "0"], "--repeats: expected a whole number of at least 1, found 0"),
        (["--output", "/nowhere/f"], "--output: /nowhere/f cannot be written: No such file"),
        (["--output", "/"], "--output: / cannot be written: Is a directory"),
    ],
)
def test_mistakes_are_told_in_one_message(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err


@pytest.mark.parametrize("flag", ["--list", "--help"])
def test_what_needs_no_torch_imports_none(flag: str) -> None:
    script = (
        "import sys\nfrom benchmarks.command import main\n"
        f"try:\n    main([{flag!r}])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'optuna', 'numpy', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'{heavy} imported' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in registry.ROWS) or flag == "--help"


def test_every_row_has_a_function() -> None:
    import pkgutil

    for name, entry in registry.ROWS.items():
        assert callable(pkgutil.resolve_name(entry.measure)), name
