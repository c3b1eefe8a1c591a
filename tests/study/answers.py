"""Jobs for a worker, and the answers it must give."""

from __future__ import annotations

from typing import TypeVar

from model.config import LossConfig
from model.outcomes import TrialSpec
from study.worker.handle import Gone, Worker
from study.worker.messages import Answer, Job

Kind = TypeVar("Kind", bound=Answer | Gone)


def job(*schemes: str) -> Job:
    return Job(
        [TrialSpec(f"t{i}", LossConfig(auto_weighting=scheme)) for i, scheme in enumerate(schemes)]
    )


def expect(worker: Worker, kind: type[Kind]) -> Kind:
    """The next answer, which must be of this kind and come soon."""
    assert worker.connection.poll(30), "no answer"
    answer = worker.receive()
    assert isinstance(answer, kind), answer
    return answer
