"""The worker process: makes a trainer once, then trains job after job.

It never outlives its coordinator. A thread that does nothing but read the
connection ends the process when the connection does; on Linux the kernel is
asked to kill it as well.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pkgutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Sequence
from multiprocessing.connection import Connection
from queue import Queue
from typing import NoReturn, Protocol

from model.errors import ModelError, OutOfMemory
from model.outcomes import EpochReport, Outcome, TrialSpec
from storage.rows import Truth
from study.worker.messages import (
    Answer,
    Drop,
    Epoch,
    Failed,
    Finished,
    Job,
    NoRoom,
    Order,
    Ready,
    Refused,
    Start,
)

OnEpoch = Callable[[Sequence[EpochReport]], Collection[str]]
"""Called after each epoch with a report of every live trial; returns keys of trials to drop."""

_PR_SET_PDEATHSIG = 1


class Trainer(Protocol):
    """What trains stacks of trials. A worker makes one with `factory(settings, device)`."""

    @property
    def device(self) -> str:
        """Name of the device it trains on."""
        ...

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of all devices of that kind."""
        ...

    @property
    def data_hash(self) -> str:
        """Hash of the data it trains on."""
        ...

    @property
    def truth(self) -> Truth | None:
        """Labels and subjects of the data, so that predictions can be scored without it."""
        ...

    def largest_stack(self, workers: int | None, /) -> int:
        """Most trials that its device has room for, if so many workers share all devices."""
        ...

    def __call__(self, trials: Sequence[TrialSpec], on_epoch: OnEpoch, /) -> Sequence[Outcome]:
        """Train the trials to their end.

        Raises:
            OutOfMemory, MemoryError: they do not fit; fewer at once may.
        """
        ...


class Line:
    """The worker's end of the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._orders: Queue[Order] = Queue()
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def say(self, answer: Answer) -> None:
        """Send to the coordinator."""
        self._connection.send(answer)

    def start(self) -> Start:
        """Wait for the first order."""
        order = self._orders.get()
        assert isinstance(order, Start)
        return order

    def job(self) -> Job:
        """Wait for the next job."""
        while not isinstance(order := self._orders.get(), Job):
            pass  # a Drop that came after its job had ended
        return order

    def on_epoch(self, reports: Sequence[EpochReport]) -> frozenset[str]:
        """Report an epoch; returns which trials the coordinator has asked to drop by now."""
        self.say(Epoch(reports))
        dropped: frozenset[str] = frozenset()
        while not self._orders.empty():
            order = self._orders.get()
            assert isinstance(order, Drop)
            dropped |= order.keys
        return dropped

    def _read(self) -> None:
        try:
            while True:
                self._orders.put(self._connection.recv())
        except (EOFError, OSError):
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)


def work(descriptor: int, parent: int, factory: str) -> NoReturn:
    """Be a worker of the coordinator at the connection's other end, until either ends.

    Args:
        descriptor: of the connection.
        parent: id of the process that started this one, and takes it along when it ends.
        factory: "module:function" that makes the trainer.
    """
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    status = serve(Line(Connection(descriptor)), factory)
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(status)


def serve(line: Line, factory: str) -> int:
    """Make the trainer and train until it raises or the process is ended."""
    try:
        make: Callable[[object, str], Trainer] = pkgutil.resolve_name(factory)
        start = line.start()
        trainer = make(start.settings, start.device)
        stack = trainer.largest_stack(start.workers) if start.is_measured else 1
    except ModelError as error:
        line.say(Refused(str(error)))
        return 2
    except Exception as error:
        traceback.print_exc()
        line.say(Refused(f"a worker could not start: {type(error).__name__}: {error}"))
        return 1
    line.say(
        Ready(
            trainer.device,
            trainer.devices,
            trainer.data_hash,
            stack,
            os.getpid(),
            trainer.truth,
        )
    )
    while True:
        answer = trained(trainer, line.job(), line.on_epoch)
        line.say(answer)
        if isinstance(answer, Failed):
            return 1


def trained(trainer: Trainer, job: Job, on_epoch: OnEpoch) -> Answer:
    """Train a job and say what came of it."""
    try:
        return Finished(trainer(job.trials, on_epoch))
    except OutOfMemory as error:
        return NoRoom(error.shortage, str(error))
    except MemoryError as error:
        return NoRoom("host_memory", f"MemoryError: {error}")
    except Exception:
        return Failed(traceback.format_exc())


def end_with(parent: int) -> None:
    """Have this process killed when the one that started it ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
