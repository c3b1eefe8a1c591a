"""Loading by name: cached, keyed by content, refused with a clear message."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from model.data.load import BUNDLED, load_sequences
from model.errors import ConfigError, DataError

REPOSITORY = BUNDLED.parents[2]

DESCRIPTION = """
path = "table.csv"
rate_hz = 10
[columns]
subject = "who"
sequence = "seq"
counter = "n"
label = "what"
[sensors]
acc = ["ax", "ay", "az"]
rot = ["qw", "qx", "qy", "qz"]
[labels]
targets = ["wave"]
others = ["rest"]
[subjects]
pilot = ["ann"]
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The description of a table of four sequences, three rows each."""
    folder = tmp_path / "table"
    folder.mkdir()
    rows = ["who,seq,n,what,ax,ay,az,qw,qx,qy,qz"]
    for sequence in range(4):
        who, what = ("ann", "bob")[sequence // 2], ("wave", "rest")[sequence % 2]
        rows += [f"{who},{sequence},{n},{what},{n + 1},2.5,9.81,0.6,0,0.8,0" for n in range(3)]
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    (folder / "my.toml").write_text(DESCRIPTION)
    return folder / "my.toml"


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def in_new_process(code: str, folder: Path = REPOSITORY) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_bundled_data_and_its_second_start(tmp_path: Path) -> None:
    import model.data.table  # noqa: F401 (imports are no part of the first start)

    began = time.perf_counter()
    sequences = load_sequences("wisdm51", "gravity", tmp_path)
    first = time.perf_counter() - began
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        again = load_sequences("wisdm51", "gravity", tmp_path)
        seconds.append(time.perf_counter() - began)
    assert first / np.median(seconds) > 20

    assert sequences.features.shape == (502_709, 19)
    assert len(sequences) == 8_240
    assert sequences.present is None
    assert len(sequences.subject_names) == 46
    assert len(sequences.pilot_subjects) == 8
    assert again.digest == sequences.digest
    np.testing.assert_array_equal(again.features[::1000], sequences.features[::1000])


def test_cached_start_imports_nothing_heavy(table: Path, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    digest = load_sequences(table, "plan", root).digest
    code = (
        "import sys; from pathlib import Path; from model.data.load import load_sequences; "
        f"print(load_sequences({str(table)!r}, 'plan', Path({str(root)!r})).digest, "
        "sorted({'pandas', 'pyarrow', 'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert in_new_process(code) == f"{digest} []"


def test_what_a_table_becomes(table: Path, tmp_path: Path) -> None:
    sequences = load_sequences(str(table), "plan", tmp_path / "cache")
    assert sequences.subject_names == ("ann", "bob")
    assert sequences.pilot_subjects == ("ann",)
    assert sequences.hierarchy.fine == ("rest", "wave")
    assert sequences.label.tolist() == [1, 0, 1, 0]
    assert sequences.length.tolist() == [3, 3, 3, 3]
    assert sequences.sequence_id.tolist() == ["0", "1", "2", "3"]
    assert sequences.features[:4, 0].tolist() == [1, 2, 3, 1]
    assert len(sequences.without_pilots()) == 2


def test_digest_follows_content_description_and_feature_set(table: Path, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    digests = [load_sequences(table, "plan", root).digest]
    digests.append(load_sequences(table, "gravity", root).digest)
    replace_in(table.with_name("table.csv"), "2.5", "2.6")
    changed = load_sequences(table, "plan", root)
    assert changed.features[0, 1] == np.float32(2.6)
    digests.append(changed.digest)
    replace_in(table, "rate_hz = 10", "rate_hz = 20")
    digests.append(load_sequences(table, "plan", root).digest)
    assert len(set(digests)) == 4

    replace_in(table, "rate_hz = 20", "rate_hz = 10")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(table.parent, elsewhere)
    assert load_sequences(elsewhere / "my.toml", "plan", root).digest == digests[2]


def test_digest_follows_the_code_of_readers_and_features(table: Path, tmp_path: Path) -> None:
    shutil.copytree(
        REPOSITORY / "model",
        tmp_path / "copy" / "model",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    code = (
        "from pathlib import Path; from model.data.load import load_sequences; "
        f"print(load_sequences({str(table)!r}, 'plan', Path('cache')).digest)"
    )
    package = tmp_path / "copy" / "model" / "data"
    digest = in_new_process(code, tmp_path / "copy")
    replace_in(package / "folds.py", '"""', '"""\n')
    assert in_new_process(code, tmp_path / "copy") == digest
    replace_in(package / "features.py", '"""', '"""\n')
    assert in_new_process(code, tmp_path / "copy") != digest


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("wisdm15", "nothing at wisdm15; did you mean 'wisdm51'?"),
        ("Synthetik", "nothing at Synthetik; did you mean 'synthetic'?"),
        ("{folder}/mi.toml", "did you mean 'my.toml'?"),
        ("{folder}/table.csv", "table.csv, which is not TOML"),
        ("{folder}/" + "x" * 300, "File name too long"),
    ],
)
def test_other_names_are_refused(table: Path, tmp_path: Path, data: str, found: str) -> None:
    with pytest.raises(DataError) as caught:
        load_sequences(data.format(folder=table.parent), "plan", tmp_path / "cache")
    text = str(caught.value)
    assert found in text
    assert "expected wisdm51, synthetic, a folder with CMI's train.csv, or a TOML file" in text


def test_faults_are_the_readers_and_nothing_is_kept(table: Path, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    replace_in(table.with_name("table.csv"), "2.5", "nan")
    for _ in range(2):
        with pytest.raises(DataError, match="finite"):
            load_sequences(table, "plan", root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"train\.csv"):
        load_sequences(tmp_path / "empty", "plan", root)
    table.with_name("table.csv").unlink()
    with pytest.raises(DataError, match=r"table\.csv"):
        load_sequences(table, "plan", root)
    table.write_text("path = [1")
    with pytest.raises(ConfigError, match="TOML"):
        load_sequences(table, "plan", root)
    assert not (root / "features").exists()


def test_unknown_feature_set(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected one of plan, gravity"):
        load_sequences(table, "grafity", tmp_path / "cache")


def test_works_without_a_cache(
    table: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert len(load_sequences(table, "plan", tmp_path / "file" / "cache")) == 4
    assert len(caplog.records) == 1


def test_environment_says_where_the_cache_is(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "chosen"))
    digest = load_sequences(table, "plan").digest
    assert (tmp_path / "chosen" / "features" / digest / "meta.json").is_file()


def test_synthetic_data_is_generated_once(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    sequences = load_sequences("synthetic", "gravity", root)
    (folder,) = (root / "synthetic").iterdir()
    written = (folder / "train.csv").stat().st_mtime_ns
    assert load_sequences("synthetic", "plan", root).digest != sequences.digest
    assert (folder / "train.csv").stat().st_mtime_ns == written
    assert load_sequences(folder, "gravity", root).digest == sequences.digest
    assert len(sequences.hierarchy.fine) == 18
    assert sequences.present is not None
    assert np.isfinite(sequences.features).all()
