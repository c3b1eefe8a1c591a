"""Confirmation after the search, in real worker processes on real SQLite files."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from study.config import StudyConfig
from study.launch import Ending
from study.run import main
from tests.study import commands
from tests.study.commands import flags
from tests.study.coordinated import faults, jobs, journal, run
from tests.study.trainers import STEADY

SEARCHED = 4


def by_repeat(url: str) -> dict[int, int]:
    """Complete trials of each repeat; no cell twice."""
    rows = [row for row in commands.rows(url) if row.state == "complete"]
    assert len({row.cell for row in rows}) == len(rows)
    return dict(Counter(row.repeat for row in rows))


def confirmed(url: str) -> set[str]:
    """Cells of the confirmation that are complete."""
    return {row.cell for row in commands.rows(url) if row.repeat and row.state == "complete"}


def test_the_search_is_followed_by_its_confirmation_and_nothing_is_done_twice(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = journal(monkeypatch, tmp_path)
    ended = run(config, url, SEARCHED, confirm=2)
    found = by_repeat(url)
    assert found[0] == SEARCHED
    assert set(found) == {0, 1, 2}
    assert ended == Ending(sum(found.values()), {"complete": sum(found.values())})
    repeats = [row.repeat for row in commands.rows(url)]
    assert repeats == sorted(repeats)
    assert len(jobs(begun)) == ended.asked
    assert run(config, url, SEARCHED, confirm=2) == ended
    assert len(jobs(begun)) == ended.asked


def test_best_cells_are_those_of_the_search(config: StudyConfig, url: str) -> None:
    run(config, url, SEARCHED, confirm=1)
    rows = commands.rows(url)
    for arm in config.arms:
        searched = [row for row in rows if row.arm == arm and row.repeat == 0]
        best = max(searched, key=lambda row: row.value or 0.0)
        assert best.params in [row.params for row in rows if row.arm == arm and row.repeat == 1]


def test_a_fixed_number_of_repeats_may_grow(config: StudyConfig, url: str) -> None:
    run(config, url, SEARCHED, confirm=1)
    first = confirmed(url)
    run(config, url, SEARCHED, confirm=2)
    assert set(by_repeat(url)) == {0, 1, 2}
    assert first < confirmed(url)


def test_a_search_may_be_confirmed_later(config: StudyConfig, url: str) -> None:
    run(config, url, SEARCHED)
    assert set(by_repeat(url)) == {0}
    run(config, url, SEARCHED, confirm=1)
    assert set(by_repeat(url)) == {0, 1}


def test_reruns_come_after_the_confirmation(config: StudyConfig, url: str) -> None:
    run(config, url, 3, confirm=1, reruns=1)
    assert by_repeat(url) == {0: 3, 1: 3, 1001: 3}


def test_an_arm_that_fails_for_good_is_not_confirmed(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, uncertainty="nan")
    ended = run(config, url, 3, confirm=1)
    assert ended.counts == {"complete": 4, "failed": 1}
    assert {row.arm for row in commands.rows(url) if row.repeat} == {"fixed", "direct"}


def test_a_race_without_noise_ends_after_its_first_look(config: StudyConfig, url: str) -> None:
    ended = run(config, url, 3, until_decided=True)
    assert by_repeat(url) == {0: 3, 1: 3, 2: 3}
    assert run(config, url, 3, until_decided=True) == ended


def test_a_race_with_noise_goes_on_and_is_over_when_it_ends(
    config: StudyConfig, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRAINER_NOISE", "0.001")
    begun = journal(monkeypatch, tmp_path)
    ended = run(config, url, 3, until_decided=True, confirm=4)
    assert {0, 1, 2, 3} <= set(by_repeat(url))
    trained = len(jobs(begun))
    assert run(config, url, 3, until_decided=True, confirm=4) == ended
    assert len(jobs(begun)) == trained


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (("--until-decided",), ("--confirm", "2"), "--confirm: expected --until-decided"),
        (("--confirm", "1"), ("--until-decided",), "--until-decided: expected --confirm 1"),
    ],
)
def test_another_way_to_stop_ends_with_2_and_one_message(
    before: tuple[str, ...],
    after: tuple[str, ...],
    message: str,
    new_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [*map(str, flags(new_url, 3))]
    assert main([*asked, *before], STEADY) == 0
    trained = len(commands.rows(new_url))
    capsys.readouterr()
    assert main([*asked, *after], STEADY) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert len(commands.rows(new_url)) == trained


def test_a_confirmation_that_is_killed_ends_with_the_same_cells(
    config: StudyConfig, url: str, new_url: str
) -> None:
    asked = (*flags(new_url, SEARCHED), "--confirm", 2)
    command = commands.start(*asked, env={"TRAINER_PAUSE": "0.1"})
    commands.until(lambda: _confirmed_so_far(new_url) >= 2)
    command.kill()
    command.communicate()
    assert command.returncode == -signal.SIGKILL
    left = confirmed(new_url)
    code, _, err = commands.run(*asked)
    assert code == 0, err
    whole = (*flags(url, SEARCHED), "--confirm", 2)
    assert main([*map(str, whole)], STEADY) == 0
    assert left < confirmed(new_url) == confirmed(url)
    assert by_repeat(new_url) == by_repeat(url)


def test_two_commands_at_once_share_a_confirmation(new_url: str) -> None:
    asked = (*flags(new_url, 3), "--confirm", 4)
    both = [commands.start(*asked, env={"TRAINER_PAUSE": "0.1"}) for _ in range(2)]
    ended = [commands.finish(command) for command in both]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert by_repeat(new_url) == dict.fromkeys(range(5), 3)
    assert len({row.worker for row in commands.rows(new_url) if row.repeat}) == 2


def _confirmed_so_far(url: str) -> int:
    with suppress(Exception):
        return len(confirmed(url))
    return 0
