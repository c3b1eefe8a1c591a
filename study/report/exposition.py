"""What a study is doing in Prometheus's text exposition format, version 0.0.4.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from storage.states import Cause
from study.report.activity import Activity

NEVER_FAILURES = frozenset({"lost_lease", "interrupted"})
"""Causes of attempts that are given back."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class _Metric(NamedTuple):
    name: str
    kind: Literal["gauge", "counter"]
    about: str
    samples: list[tuple[Mapping[str, str], float]]
    """Labels beside the study's name, and the value."""


def render(activity: Activity) -> str:
    """Every figure as a sample; what is not known has none."""
    return "".join(
        line + "\n" for metric in _metrics(activity) for line in _lines(metric, activity.study)
    )


def _metrics(activity: Activity) -> Iterator[_Metric]:
    yield _Metric(
        "study_trials", "gauge", "Cells of the study by state.",
        [({"state": state}, count) for state, count in _states(activity).items()],
    )  # fmt: skip
    yield _Metric(
        "study_failures_total", "counter", "Attempts that failed, by cause.",
        [({"cause": cause}, count) for cause, count in _failures(activity).items()],
    )  # fmt: skip
    yield _Metric(
        "study_released_total", "counter", "Attempts that were given back, by cause.",
        [({"cause": c}, activity.released.get(c, 0)) for c in sorted(NEVER_FAILURES)],
    )  # fmt: skip
    yield _Metric(
        "study_running", "gauge", "Trials in training.",
        [
            ({"arm": arm, "worker": worker, "device": device}, count)
            for (arm, worker, device), count in _places(activity).items()
        ],
    )  # fmt: skip
    quiet = [t.quiet_seconds for t in activity.running if t.quiet_seconds is not None]
    yield _Metric(
        "study_oldest_progress_seconds", "gauge", "Since the running trial longest unheard of.",
        [({}, max(quiet))] if quiet else [],
    )  # fmt: skip
    yield _Metric(
        "study_device_seconds_total", "counter", "Device time of all attempts that have ended.",
        [({}, activity.device_seconds)],
    )  # fmt: skip
    left = {"begun": activity.time_left, "plan": activity.time_left_plan}
    yield _Metric(
        "study_time_left_seconds", "gauge", "Estimate, for what is begun and for the whole plan.",
        [({"of": of}, seconds) for of, seconds in left.items() if seconds is not None],
    )  # fmt: skip


def _states(activity: Activity) -> dict[str, int]:
    counts = dict(activity.finished_by_state)
    counts |= {"running": len(activity.running), "waiting": len(activity.queue)}
    return counts if activity.plan is None else counts | {"not_begun": activity.plan.not_begun}


def _failures(activity: Activity) -> dict[str, int]:
    """Causes that never came up too: a counter is to be there before it counts."""
    none = dict.fromkeys((cause for cause in get_args(Cause) if cause not in NEVER_FAILURES), 0)
    return none | {failure.cause: failure.count for failure in activity.failures}


def _places(activity: Activity) -> Counter[tuple[str, str, str]]:
    return Counter((t.arm, t.worker or "", t.device or "") for t in activity.running)


def _lines(metric: _Metric, study: str) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.about}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.samples:
        pairs = ({"study": study} | dict(labels)).items()
        inside = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in pairs)
        yield f"{metric.name}{{{inside}}} {value!r}"
