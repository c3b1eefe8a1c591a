"""One sentence on a study."""

from __future__ import annotations

from collections.abc import Sequence

Arm = tuple[str, float | None, float | None, int]
"""Name, mean, SD over trials, number of complete trials."""


def headline(arms: Sequence[Arm], failed: int, pruned: int) -> str:
    """Means with their SDs and numbers of trials; claims nothing about which is better."""
    shown = [_shown(arm, mean, sd, trials) for arm, mean, sd, trials in arms if mean is not None]
    if not shown:
        return f"No trial has completed yet{f'; {failed} failed for good' if failed else ''}."
    over = "trials that ran to their end" if pruned else "trials"
    means = f"Mean score over {over}: {', '.join(shown)}"
    if len(shown) == 1:
        return f"{means}; no other arm to compare it with yet."
    return f"{means}; too few repeats to say which is better."


def _shown(arm: str, mean: float, sd: float | None, trials: int) -> str:
    spread = f"SD {sd:.3f}, " if sd is not None else ""
    return f"{arm} {mean:.3f} ({spread}{trials} trial{'s' if trials > 1 else ''})"
