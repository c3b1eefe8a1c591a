"""The command that writes a generated folder: what it refuses, leaves behind and needs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model.data.synthetic import write_folder
from model.errors import ConfigError


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "model.data.synthetic", *map(str, arguments)]


def test_the_command_writes_into_an_empty_folder(tmp_path: Path) -> None:
    flags = ("--sequences", "3", "--subjects", "2", "--seed", "1")
    done = subprocess.run(command(tmp_path, *flags), capture_output=True, text=True, check=True)
    assert "3 sequences" in done.stdout
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--sequences", "0"), "sequences: expected 1 or more, found 0"),
        (("--subjects", "0", "--seed", "-1"), "seed: expected 0 or more, found -1"),
        (("--sequences", "many"), "invalid int value: 'many'"),
        (("--sequence", "5"), "unrecognized arguments"),
    ],
)
def test_bad_arguments_end_in_one_message(
    tmp_path: Path, flags: tuple[str, ...], named: str
) -> None:
    done = subprocess.run(
        command(tmp_path / "new", *flags), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_all_faults_are_named_and_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    with pytest.raises(ConfigError) as error:
        write_folder(tmp_path, sequences=-1, subjects=0, seed=0)
    assert all(part in str(error.value) for part in ("sequences", "subjects", "empty folder"))
    with pytest.raises(ConfigError, match="found a file"):
        write_folder(kept)
    assert kept.read_text() == "mine"


def test_a_path_below_a_file_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        command(tmp_path / "file" / "new"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_command_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path / "new"), stderr=subprocess.PIPE, text=True)
    while not any(tmp_path.glob(".new-*/new/train.csv")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in message
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_sequences(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from model.data.synthetic import write_folder;"
        "write_folder(Path(sys.argv[1]), sequences=int(sys.argv[2]), subjects=9);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", script, tmp_path / str(count), str(count)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for count in (100, 800)
    ]
    assert peaks[1] - peaks[0] < 8_000  # KiB; the larger file has 90,000 KiB more
