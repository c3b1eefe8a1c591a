"""The cache: what goes in comes out, damage is noticed, races end well."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model.data import cache
from model.data.content import content_hash, sampled_hash
from tests.model.data import recordings
from tests.model.data.recordings import random_recording, sequence_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

    from model.data.sequences import SequenceSet

KEY = "0123456789abcdef" * 4


@pytest.fixture
def sequences() -> SequenceSet:
    return sequence_set(random_recording([60] * 500, missing=[70, 71]), KEY)


def assert_same(one: SequenceSet | None, other: SequenceSet) -> None:
    assert one is not None
    for field in fields(other):
        found, expected = getattr(one, field.name), getattr(other, field.name)
        if isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
        else:
            assert found == expected


def is_mapped(array: np.ndarray) -> bool:
    return isinstance(array.base, np.memmap) or (
        isinstance(array.base, np.ndarray) and is_mapped(array.base)
    )


def names_below(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_gives_back_what_was_stored(tmp_path: Path, sequences: SequenceSet) -> None:
    assert cache.read(tmp_path, KEY) is None
    stored = cache.store(tmp_path, sequences)
    assert_same(stored, sequences)
    again = cache.read(tmp_path, KEY)
    assert_same(again, sequences)
    assert again is not None
    assert is_mapped(again.features)
    assert not again.features.flags.writeable
    assert names_below(tmp_path / "features") == {KEY}


def test_without_gaps_there_is_no_mask(tmp_path: Path) -> None:
    whole = sequence_set(random_recording(), KEY)
    assert_same(cache.store(tmp_path, whole), whole)
    assert "present.npy" not in names_below(tmp_path / "features" / KEY)


def truncate(entry: Path) -> None:
    os.truncate(entry / "features.npy", (entry / "features.npy").stat().st_size - 4)


def overwrite_last_value(entry: Path) -> None:
    with (entry / "features.npy").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\x01\x02\x03\x04")


def change_a_label(entry: Path) -> None:
    path = entry / "sequence.npy"
    array = np.load(path)
    array[2, 17] += 1
    np.save(path, array)


def lose_a_file(entry: Path) -> None:
    (entry / "sequence_id.npy").unlink()


def empty_a_file(entry: Path) -> None:
    (entry / "present.npy").write_bytes(b"")


def cut_meta(entry: Path) -> None:
    text = (entry / "meta.json").read_text()
    (entry / "meta.json").write_text(text[: len(text) // 2])


def rename_a_channel(entry: Path) -> None:
    text = (entry / "meta.json").read_text()
    (entry / "meta.json").write_text(text.replace("acc_x", "acc_u", 1))


def foreign_meta(entry: Path) -> None:
    (entry / "meta.json").write_text("[1, 2]")


def not_json_at_all(entry: Path) -> None:
    (entry / "meta.json").write_bytes(b"\x80\x04\xff")


def lose_everything(entry: Path) -> None:
    for path in entry.iterdir():
        path.unlink()


def become_a_file(entry: Path) -> None:
    lose_everything(entry)
    entry.rmdir()
    entry.write_text("not a folder")


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        overwrite_last_value,
        change_a_label,
        lose_a_file,
        empty_a_file,
        cut_meta,
        rename_a_channel,
        foreign_meta,
        not_json_at_all,
        lose_everything,
        become_a_file,
    ],
)
def test_damage_is_noticed_and_mended(
    tmp_path: Path,
    sequences: SequenceSet,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    cache.store(tmp_path, sequences)
    damage(tmp_path / "features" / KEY)
    assert cache.read(tmp_path, KEY) is None
    assert "is damaged" in caplog.text
    assert_same(cache.store(tmp_path, sequences), sequences)
    assert_same(cache.read(tmp_path, KEY), sequences)
    assert names_below(tmp_path / "features") == {KEY}


def test_entry_of_another_key_is_foreign(tmp_path: Path, sequences: SequenceSet) -> None:
    cache.store(tmp_path, sequences)
    other = "f" * 64
    (tmp_path / "features" / KEY).rename(tmp_path / "features" / other)
    assert cache.read(tmp_path, other) is None


def test_what_is_mapped_survives_the_entry(tmp_path: Path, sequences: SequenceSet) -> None:
    stored = cache.store(tmp_path, sequences)
    lose_everything(tmp_path / "features" / KEY)
    cache.store(tmp_path, sequences)
    assert_same(stored, sequences)


def build(root: Path, barrier: Barrier) -> None:
    sequences = sequence_set(random_recording([60] * 500, missing=[70, 71]), KEY)
    barrier.wait(timeout=60)
    for _ in range(5):
        assert_same(cache.store(root, sequences), sequences)
    assert_same(cache.read(root, KEY), sequences)


@pytest.mark.parametrize("start_damaged", [False, True])
def test_processes_that_build_at_once(
    tmp_path: Path, sequences: SequenceSet, start_damaged: bool
) -> None:
    if start_damaged:
        cache.store(tmp_path, sequences)
        truncate(tmp_path / "features" / KEY)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([recordings.__name__])
    barrier = context.Barrier(3)
    processes = [context.Process(target=build, args=(tmp_path, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert names_below(tmp_path / "features") == {KEY}


def test_the_first_to_finish_is_kept(tmp_path: Path, sequences: SequenceSet) -> None:
    cache.store(tmp_path, sequences)
    inode = (tmp_path / "features" / KEY).stat().st_ino
    cache.store(tmp_path, sequences)
    assert (tmp_path / "features" / KEY).stat().st_ino == inode


def test_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.install(tmp_path / "features" / KEY, write, lambda: True)
    assert names_below(tmp_path / "features") == set()


def test_unwritable_cache_is_warned_of_once(
    tmp_path: Path, sequences: SequenceSet, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / "cache"
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert cache.store(root, sequences) is sequences
    (record,) = caplog.records
    assert "cannot be written (Not a directory)" in record.getMessage()
    assert "STUDY_CACHE" in record.getMessage()


def test_entries_unread_for_a_month_are_removed(tmp_path: Path, sequences: SequenceSet) -> None:
    parent = tmp_path / "features"
    for name in ("a" * 64, "b" * 64, ".new-killed", "someone's own"):
        (parent / name).mkdir(parents=True)
    long_ago = time.time() - 31 * 24 * 3600
    for name in ("a" * 64, ".new-killed", "someone's own"):
        os.utime(parent / name, (long_ago, long_ago))
    cache.store(tmp_path, sequences)
    os.utime(parent / KEY, (long_ago, long_ago))
    cache.read(tmp_path, KEY)
    cache.store(tmp_path, sequences)
    assert names_below(parent) == {"b" * 64, "someone's own", KEY}


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("STUDY_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.default_root() == tmp_path / ".cache" / "loss-weight-study"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.default_root() == Path("/xdg/loss-weight-study")
    monkeypatch.setenv("STUDY_CACHE", "~/own")
    assert cache.default_root() == tmp_path / "own"


def settled_file(folder: Path, content: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content)
    time.sleep(0.15)
    return path


def test_content_is_read_once_until_the_file_changes(tmp_path: Path) -> None:
    path = settled_file(tmp_path, b"a" * 3_000_000)
    root = tmp_path / "cache"
    first = content_hash(path, root)
    (memo,) = (root / "content").iterdir()
    entry = json.loads(memo.read_text())
    entry["sha256"] = "00" * 32
    memo.write_text(json.dumps(entry))
    assert content_hash(path, root) == "00" * 32

    times = path.stat()
    path.write_bytes(b"a" * 1_500_000 + b"b" + b"a" * 1_499_999)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert content_hash(path, root) not in (first, "00" * 32)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"file": 1}', "null", '"text"'])
def test_broken_memo_is_read_past(tmp_path: Path, text: str) -> None:
    path = settled_file(tmp_path, b"content")
    root = tmp_path / "cache"
    first = content_hash(path, root)
    (memo,) = (root / "content").iterdir()
    memo.write_text(text)
    assert content_hash(path, root) == first
    assert json.loads(memo.read_text())["sha256"] == first


def test_sampled_hash_sees_size_ends_and_all_of_a_small_file(tmp_path: Path) -> None:
    def hashed(content: bytes) -> str:
        path = tmp_path / "file"
        path.write_bytes(content)
        return sampled_hash(path)

    large = bytes(2_000_000)
    assert hashed(large) == hashed(large)
    assert hashed(large) != hashed(large + b"\0")
    assert hashed(large) != hashed(b"\1" + large[1:])
    assert hashed(large) != hashed(large[1:] + b"\1")
    small = bytes(100_000)
    assert hashed(small) != hashed(small[:54_321] + b"\1" + small[54_322:])
