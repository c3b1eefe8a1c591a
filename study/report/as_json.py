"""A summary as JSON. What does not exist is null, never NaN."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from study.report.summary import Summary


def render(summary: Summary) -> str:
    """The document, two spaces deep."""
    return json.dumps(document(summary), indent=2, allow_nan=False) + "\n"


def document(summary: Summary) -> dict[str, Any]:
    """The document before it is written. No contrast is tested yet."""
    return {
        "study": summary.study,
        "data": summary.data,
        "trials": asdict(summary.trials),
        "arms": [asdict(arm) for arm in summary.arms],
        "failures": [asdict(failure) for failure in summary.failures],
        "contrasts": [],
        "detectable_difference": None,
        "headline": summary.headline,
    }
