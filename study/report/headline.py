"""One sentence on a study, which a person can quote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from study.report.findings import Contrast, Findings, View

Arm = tuple[str, float | None, float | None, int]
"""Name, mean, SD over trials, number of complete trials."""

AGAINST = {"confirmed": "the tuned grid", "declared": "the fixed baseline"}


def headline(findings: Findings, unmoved: Iterable[tuple[str, int, int]]) -> str | None:
    """What the primary contrasts say, with their limits; None if they say nothing.

    Args:
        findings: with the contrasts.
        unmoved: arm, trials whose weights did not move, and trials that learned.
    """
    known = [c for c in findings.primary if c.difference is not None and c.ci95 is not None]
    if not known or findings.primary_view is None:
        return None
    against = AGAINST[findings.primary_view]
    parts = [_shown(contrast, against) for contrast in known if contrast.verdict != "undecided"]
    undecided = [contrast for contrast in known if contrast.verdict == "undecided"]
    if undecided:
        parts.append(f"no difference shown between {_listed(undecided)} and {against}")
    parts.append(_basis(known, findings.primary_view))
    if findings.power is not None:
        parts.append(f"this study could have seen {digits(findings.power.detectable)}")
    still = [f"{count} of {learned} {arm}" for arm, count, learned in unmoved if count]
    if still:
        parts.append(f"{_joined(still, 'and')} trials did not move")
    missing = [c.arm for c in findings.primary if c not in known]
    if missing:
        parts.append(f"not compared: {', '.join(missing)}")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _shown(contrast: Contrast, against: str) -> str:
    said = {
        "better": f"{contrast.arm} is better than {against}",
        "worse": f"{contrast.arm} is worse than {against}",
        "equivalent": f"{contrast.arm} is equivalent to {against}",
    }
    return f"{said[contrast.verdict]}: {_numbers(contrast)}"


def _listed(contrasts: Sequence[Contrast]) -> str:
    return _joined([f"{contrast.arm} ({_numbers(contrast)})" for contrast in contrasts], "or")


def _joined(said: Sequence[str], word: str) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} {word} {said[-1]}"


def _numbers(contrast: Contrast) -> str:
    assert contrast.difference is not None
    assert contrast.ci95 is not None
    low, high = contrast.ci95
    return f"{digits(contrast.difference, sign=True)} [{digits(low)}, {digits(high)}]"


def _basis(contrasts: Sequence[Contrast], view: View) -> str:
    most = max(contrast.repeats for contrast in contrasts)
    if view == "declared":
        return "from one trial an arm, as declared beforehand"
    return f"on {most} fresh repeat{'s' if most > 1 else ''}"


def digits(value: float, *, sign: bool = False) -> str:
    """A difference to four digits, without the zero before the point.

    >>> digits(-0.00123), digits(0.0121, sign=True)
    ('-.0012', '+.0121')
    """
    text = f"{value:+.4f}" if sign else f"{value:.4f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def of_means(arms: Sequence[Arm], failed: int, pruned: int) -> str:
    """Means with their SDs and numbers of trials; claims nothing about which is better."""
    shown = [_mean(arm, mean, sd, trials) for arm, mean, sd, trials in arms if mean is not None]
    if not shown:
        return f"No trial has completed yet{f'; {failed} failed for good' if failed else ''}."
    over = "trials that ran to their end" if pruned else "trials"
    means = f"Mean score over {over}: {', '.join(shown)}"
    if len(shown) == 1:
        return f"{means}; no other arm to compare it with yet."
    return f"{means}; too few repeats to say which is better."


def _mean(arm: str, mean: float, sd: float | None, trials: int) -> str:
    spread = f"SD {sd:.3f}, " if sd is not None else ""
    return f"{arm} {mean:.3f} ({spread}{trials} trial{'s' if trials > 1 else ''})"
