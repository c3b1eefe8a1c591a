"""Studies of three sizes: what each sets beside the defaults of `StudyConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUICK_ARMS = ("fixed", "uncertainty", "direct", "direct_anchored")

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "smoke": {
        "subjects": 6,
        "folds": 2,
        "arms": QUICK_ARMS,
        "network": {"width": 16, "blocks": 1, "kernel": 7, "stride": 4},
        "training": {"epochs": 2},
        "features": {"max_length": 100},
    },
    "quick": {"subjects": 16, "folds": 3, "arms": QUICK_ARMS, "training": {"epochs": 8}},
    "full": {"subjects": None, "folds": 5, "training": {"epochs": 30}},
}
DEFAULT_PRESET = "quick"
ABOUT_PRESETS = "smoke (a trial takes seconds), quick (minutes a study), full (all subjects)"
