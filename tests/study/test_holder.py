from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from study.holder import is_alive, this_process


def test_this_process_is_alive() -> None:
    assert is_alive(this_process()) is True


def test_a_process_that_ended_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    gone = replace(this_process(), pid=child.pid)
    child.wait()
    assert is_alive(gone) is False


def test_a_process_that_awaits_its_burial_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(replace(this_process(), pid=child.pid)) is False
    child.wait()


def test_another_process_with_the_same_number_is_another() -> None:
    holder = this_process()
    assert is_alive(replace(holder, started=holder.started - 1)) is False


def test_what_cannot_be_seen_from_here_is_not_known() -> None:
    holder = this_process()
    assert is_alive(replace(holder, host="elsewhere")) is None
    assert is_alive(replace(holder, boot="another boot")) is None


def test_two_processes_are_two_holders() -> None:
    assert this_process().id != this_process().id
