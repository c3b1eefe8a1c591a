"""Studies as a report gets them: the rich one, and odd ones."""

from __future__ import annotations

from dataclasses import replace

from study.report.findings import Contrast, Findings
from study.report.summary import Summary, TrialCounts
from tests.study.report.samples import LEARNED, arm, arm_findings, rich


def empty() -> tuple[Summary, Findings]:
    """A study in which nothing has run."""
    summary = Summary("study", "wisdm51", TrialCounts(), (), ())
    return summary, Findings("No trial has completed yet.", None, 0.005, ())


def one_arm() -> tuple[Summary, Findings]:
    """A study of the fixed arm alone, after one trial."""
    summary = Summary(
        study="study",
        data="wisdm51",
        trials=TrialCounts(complete=1),
        arms=(replace(arm("fixed", 1), sd=None),),
        failures=(),
    )
    found = replace(
        arm_findings("fixed", 1), confirmed=None, confirmed_repeats=0, declared={}, best_of_arm=None
    )
    said = "Mean score over trials: fixed 0.745 (1 trial); no other arm to compare it with yet."
    limit = "There is one arm only: nothing can be compared."
    return summary, Findings(said, None, 0.005, (), arms=(found,), limits=(limit,))


def notes_only() -> tuple[Summary, Findings]:
    """Contrasts that say why they have no numbers."""
    summary, findings = rich()
    nothing = tuple(
        Contrast(
            arm=name,
            against="fixed",
            view="declared",
            scope="population",
            primary=True,
            note="fold 3 failed in this arm, so there is no complete trial to compare.",
        )
        for name in LEARNED
    )
    bare = replace(
        findings,
        headline="Nothing can be compared: fold 3 failed in every learned arm.",
        primary_view="declared",
        contrasts=nothing,
        power=None,
        noise=(),
        courses=(),
        arms=(),
    )
    return summary, bare


STUDIES = {"rich": rich, "empty": empty, "one_arm": one_arm, "notes_only": notes_only}
