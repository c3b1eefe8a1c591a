"""The command: its exit codes, what it says and what it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.run import main
from tests.study import commands
from tests.study.commands import flags
from tests.study.trainers import STEADY


def test_the_report_and_the_dashboard_are_shown_at_the_end(
    new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 2))], STEADY) == 0
    shown = capsys.readouterr()
    assert "2 complete" in shown.out
    assert shown.out.rstrip().endswith(f"python -m study.dashboard --storage {new_url}")
    assert "2/2 trials" in shown.err


def test_trials_that_failed_for_good_end_with_1(
    new_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER_FAULTS", '{"uncertainty": "nan"}')
    assert main([*map(str, flags(new_url, 2))], STEADY) == 1
    assert "1 complete, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--n-trials", "0"], "--n-trials: expected a number greater than or equal to 1"),
        (["--ntrials", "3"], "--ntrials: no such flag; did you mean '--n-trials'?"),
        (["--preset", "quik"], "--preset: expected one of smoke, quick, full"),
        (["--storage", "mysql://x/y"], "storage: expected sqlite:///FILE or postgresql://"),
        (["--storage", "sqlite:////dev/null/study.db"], "/dev/null is a file"),
    ],
)
def test_a_mistake_ends_with_2_and_one_message(
    wrong: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--n-trials", "2"] if "--n-trials" not in wrong else []
    assert main([*given, *wrong], STEADY) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_names_the_cells_that_are_left(
    new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*map(str, flags(new_url, 1))], STEADY)
    capsys.readouterr()
    assert main([*map(str, flags(new_url, 3)), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "3 of the plan's 76 cells are asked for, 2 to run" in shown
    assert "the median of 1 trial of this study" in shown
    assert len(commands.rows(new_url)) == 1


def test_a_dry_run_makes_no_database(
    tmp_path: Path, new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 3)), "--dry-run"]) == 0
    assert "3 to run" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_used_ends_with_2_and_leaves_nothing(
    tmp_path: Path, new_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, flags(new_url, 2))], "tests.study.trainers:without_data") == 2
    assert capsys.readouterr().err == (
        "somewhere: 1 fault in the data\n  - expected rows, found none\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_help_is_quick_and_light() -> None:
    script = (
        "import sys; sys.argv = ['run', '--help']\n"
        "from study.run import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'pandas', 'sqlalchemy', 'optuna') if m in sys.modules])"
    )
    assert commands.python(script).splitlines()[-1] == "[]"


def test_workers_are_on_their_way_before_the_database_is_imported(new_url: str) -> None:
    script = (
        "import subprocess, sys\n"
        "def start(*_, **__):\n"
        "    heavy = ('numpy', 'sqlalchemy', 'alembic', 'optuna')\n"
        "    print([m for m in heavy if m in sys.modules])\n"
        "    raise SystemExit\n"
        "subprocess.Popen = start\n"
        "from study.run import main\n"
        f"main({[*map(str, flags(new_url, 1))]!r}, {STEADY!r})"
    )
    assert commands.python(script) == "[]\n"


def test_the_coordinator_is_small_and_imports_neither_torch_nor_pandas(new_url: str) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from study.run import main\n"
        f"main({[*map(str, flags(new_url, 6))]!r}, {STEADY!r})\n"
        "heavy = ('torch', 'pytorch_lightning', 'sklearn', 'pandas', 'plotly')\n"
        "heavy = [m for m in heavy if m in sys.modules]\n"
        "peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(int(peak) // 1024, heavy)"
    )
    mebibytes, heavy = commands.python(script).splitlines()[-1].split(maxsplit=1)
    assert int(mebibytes) < 300
    assert heavy == "[]"
