"""A verdict as JSON. What does not exist is null, never NaN."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from typing import Any

from study.report.findings import ArmFindings, Findings
from study.report.summary import ArmSummary, Summary

_RENAMED = {"curve": "expected_best"}


def render(summary: Summary, findings: Findings) -> str:
    """The document, two spaces deep."""
    return json.dumps(document(summary, findings), indent=2, allow_nan=False) + "\n"


def document(summary: Summary, findings: Findings) -> dict[str, Any]:
    """The document before it is written."""
    by_arm = {arm.arm: arm for arm in findings.arms}
    made = {
        "study": summary.study,
        "data": summary.data,
        "headline": findings.headline,
        "trials": asdict(summary.trials),
        "arms": [_arm(arm, by_arm.get(arm.arm)) for arm in summary.arms],
        "failures": [asdict(failure) for failure in summary.failures],
        "primary_view": findings.primary_view,
        "rope": findings.rope,
        "family": findings.family,
        "subjects": findings.subjects,
        "contrasts": [asdict(contrast) for contrast in findings.contrasts],
        "detectable_difference": findings.power.detectable if findings.power else None,
        "power": asdict(findings.power) if findings.power else None,
        "noise": [asdict(of) for of in findings.noise],
        "weights": [asdict(course) for course in findings.courses],
        "limits": findings.limits,
    }
    cleaned: dict[str, Any] = _finite(made)
    return cleaned


def _arm(arm: ArmSummary, found: ArmFindings | None) -> dict[str, Any]:
    """An arm's row, and what was found of it under the same roof."""
    names = [field.name for field in fields(ArmFindings) if field.name != "arm"]
    values = asdict(found) if found else dict.fromkeys(names)
    return asdict(arm) | {_RENAMED.get(name, name): values[name] for name in names}


def _finite(value: Any) -> Any:  # noqa: ANN401 (any part of a document)
    """The same without numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
