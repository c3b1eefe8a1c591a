from __future__ import annotations

import os
import signal
from multiprocessing.connection import wait

import pytest

from study.stop import StopSignal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_wakes_who_waits(number: signal.Signals) -> None:
    with StopSignal() as stop:
        assert not stop.requested
        assert wait([stop.fileno()], 0) == []
        os.kill(os.getpid(), number)
        assert stop.requested
        assert wait([stop.fileno()], 0) == [stop.fileno()]


def test_the_second_signal_is_left_to_the_system() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopSignal():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is before
