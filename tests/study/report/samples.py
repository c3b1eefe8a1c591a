"""A study with everything in it, as a report gets it."""

from __future__ import annotations

from itertools import product

from study.report.attempts import Failure
from study.report.findings import (
    ArmFindings,
    Contrast,
    Course,
    Findings,
    Metric,
    NoiseOf,
    Power,
    Scope,
    View,
)
from study.report.summary import ArmSummary, Summary, TrialCounts
from study.verdict.rule import Verdict

LEARNED = ("uncertainty", "direct", "direct_anchored")
CONTROLS = ("equal", "random", "dwa", "uw_so")
ARMS = ("fixed", *LEARNED, *CONTROLS)
HEADLINE = (
    "No difference shown between uncertainty weighting and the tuned grid: "
    "-0.0012 [-0.0121, 0.0097]; this study could have seen 0.0160; "
    "3 of 8 uncertainty trials did not move."
)
MEANS = dict(zip(ARMS, (0.745, 0.744, 0.741, 0.751, 0.722, 0.735, 0.74, 0.738), strict=True))
DIFFERENCES = {
    "uncertainty": -0.0012,
    "direct": -0.0213,
    "direct_anchored": 0.0004,
    "equal": -0.0231,
    "random": -0.0102,
    "dwa": -0.0049,
    "uw_so": -0.0071,
}
VERDICTS: dict[str, Verdict] = {"direct": "worse", "direct_anchored": "equivalent"}


def arm(name: str, trials: int = 24) -> ArmSummary:
    """An arm of so many trials."""
    learned = name in LEARNED
    return ArmSummary(
        arm=name,
        trials=trials,
        mean=MEANS[name],
        sd=0.0123,
        fold_sd=0.0215,
        best=MEANS[name] + 0.02,
        best_params={"lr_multiplier": 10.0, "s_init": "matched"}
        if learned
        else {"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1}
        if name == "fixed"
        else {},
        best_weights={"multiclass": (0.5, 0.61), "binary": (0.5, 0.387)} if learned else None,
        collapsed=int(name == "direct"),
        unmoved=3 if name == "uncertainty" else 0,
        pruned=0,
        failed=int(name == "direct"),
        retried=1,
        device_seconds=812.46,
    )


def arm_findings(name: str, trials: int = 24) -> ArmFindings:
    """What was found of an arm of so many trials."""
    scores = tuple(MEANS[name] + 0.02 - 0.04 * ((7 * i) % trials) / trials for i in range(trials))
    return ArmFindings(
        arm=name,
        curve=tuple(MEANS[name] + 0.02 * (1 - 0.8**i) for i in range(trials)),
        best_of_arm=MEANS[name] + 0.009,
        optimism=0.011,
        declared={
            "score": Metric(MEANS[name], (MEANS[name] - 0.03, MEANS[name] + 0.03)),
            "binary_f1": Metric(0.9, (0.88, 0.92)),
            "macro_f1": Metric(0.59, (0.55, 0.63)),
        },
        confirmed_params={"lr_multiplier": 10.0} if name in LEARNED else {},
        confirmed=MEANS[name] - 0.001,
        confirmed_sd=0.004,
        confirmed_repeats=5,
        at_clamp=int(name == "direct"),
        learned=8 if name in LEARNED else 0,
        gradient_share={"multiclass": 0.41, "binary": 0.32, "nine_class": 0.22, "kl": 0.05},
        scores=scores,
    )


def contrast(
    name: str, view: View = "confirmed", scope: Scope = "population", half: float = 0.0109
) -> Contrast:
    """A contrast with the fixed arm."""
    difference = DIFFERENCES[name] + {"declared": 0.001, "equal_budget": -0.002}.get(view, 0.0)
    primary = (view, scope) == ("confirmed", "population") and name in LEARNED
    return Contrast(
        arm=name,
        against="fixed",
        view=view,
        scope=scope,
        primary=primary,
        difference=difference,
        ci95=(difference - half, difference + half),
        p_corrected=None if view == "best_of_arm" else 0.41,
        p_holm=None if view == "best_of_arm" else 0.83,
        p_worse=0.21,
        p_equivalent=0.68,
        p_better=0.11,
        reachable=name in VERDICTS,
        verdict=VERDICTS.get(name, "undecided"),
        detectable=0.016,
        repeats=5 if view == "confirmed" else 1,
        budget=24 if view == "equal_budget" else None,
        subjects={
            "score": Metric(difference, (difference - 0.008, difference + 0.008)),
            "binary_f1": Metric(difference / 2, (-0.01, 0.01)),
            "macro_f1": Metric(difference * 1.5, (-0.02, 0.02)),
        },
        note="3 of 8 of its trials did not move." if name == "uncertainty" else None,
    )


def contrasts() -> tuple[Contrast, ...]:
    """Every arm in every view, and in the confirmed one for these subjects too."""
    views: tuple[View, ...] = ("confirmed", "declared", "equal_budget", "best_of_arm")
    wide = [contrast(name, view) for view, name in product(views, DIFFERENCES)]
    narrow = [contrast(name, "confirmed", "these_subjects", 0.004) for name in LEARNED]
    return (*wide, *narrow)


def course(name: str, term: str, start: float, end: float, epochs: int = 40) -> Course:
    """Weights that go from start to end in a straight line, with a widening band."""
    mean = tuple(start + (end - start) * i / (epochs - 1) for i in range(epochs))
    spread = tuple(0.2 * i / epochs for i in range(epochs))
    return Course(
        arm=name,
        cell="lr_multiplier=10 s_init=matched",
        term=term,
        mean=mean,
        low=tuple(m * (1 - s) for m, s in zip(mean, spread, strict=True)),
        high=tuple(m * (1 + s) for m, s in zip(mean, spread, strict=True)),
        sd=tuple(m * s / 2 for m, s in zip(mean, spread, strict=True)),
        runs=25,
    )


def courses() -> tuple[Course, ...]:
    """Weights of the learned arms."""
    ends = {
        "multiclass": (0.5, 0.612),
        "binary": (0.5, 0.388),
        "nine_class": (0.2, 0.31),
        "kl": (0.1, 0.0123),
    }
    return tuple(course(name, term, *move) for name in LEARNED for term, move in ends.items())


POWER = Power(
    level=0.05 / 3,
    detectable=0.016,
    at_best=0.011,
    wanted=0.005,
    repeats_needed=None,
    device_hours_needed=None,
    subjects_needed=210,
    rope=0.005,
    equivalence_repeats=None,
    least_rope=0.0113,
)


def rich() -> tuple[Summary, Findings]:
    """A study with everything in it."""
    summary = Summary(
        study="weights",
        data="wisdm51",
        trials=TrialCounts(complete=232, failed=1, waiting=1),
        arms=tuple(arm(name, 24 if name in ("fixed", *LEARNED) else 9) for name in ARMS),
        failures=(Failure("non_finite_loss", 2, 1, "epoch 2, fold 1, kl"),),
    )
    findings = Findings(
        headline=HEADLINE,
        primary_view="confirmed",
        rope=0.005,
        family=LEARNED,
        contrasts=contrasts(),
        power=POWER,
        noise=tuple(
            NoiseOf(
                name,
                "fixed",
                0.0082,
                0.004,
                0.0055,
                0.0051,
                {"seeds": 0.2, "splits": 0.3, "subjects": 0.5},
                "subjects",
            )
            for name in LEARNED
        ),
        arms=tuple(arm_findings(name, 24 if name in ("fixed", *LEARNED) else 9) for name in ARMS),
        courses=courses(),
        limits=(
            "The views disagree on direct: worse if confirmed, no difference shown if declared.",
            "Cells were chosen on the subjects that confirm them.",
        ),
    )
    return summary, findings
