"""Arms as sections of a report: scores, flags, expected best, weights, best trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten

from study.progress import duration
from study.report.attempts import Failure, last_words
from study.report.findings import ArmFindings, Course, Findings
from study.report.summary import ArmSummary, Summary
from study.report.tables import Column, Section, Table, numbers, words
from study.report.wording import MISSING, NBSP, number, params_in_words, percent, short, signed

_MOST_BUDGETS = 7
_LONGEST_REASON = 300


def scores(summary: Summary, findings: Findings) -> Section:
    """Scores of each arm's trials, and of its confirmed cell."""
    arms = summary.arms
    if not arms:
        return Section("arms", "Arms")
    columns = [
        words("arm", (arm.arm for arm in arms)),
        numbers("trials", (str(arm.trials) for arm in arms)),
        numbers("mean", (number(arm.mean) for arm in arms)),
        numbers("SD", (number(arm.sd) for arm in arms)),
        numbers("fold SD", (number(arm.fold_sd) for arm in arms)),
        numbers("best", (number(arm.best) for arm in arms)),
    ]
    found = {arm.arm: arm for arm in findings.arms}
    if any(arm.confirmed_repeats for arm in findings.arms):
        columns += _confirmed([found.get(arm.arm) for arm in arms])
    return Section("arms", "Arms", (Table("Scores of the trials of each arm", tuple(columns)),))


def _confirmed(arms: Sequence[ArmFindings | None]) -> list[Column]:
    return [
        numbers("confirmed", (number(arm.confirmed if arm else None) for arm in arms)),
        numbers("repeats", (str(arm.confirmed_repeats) if arm else MISSING for arm in arms)),
    ]


def diagnostics(summary: Summary, findings: Findings) -> Section:
    """What became of the trials of each arm."""
    arms = summary.arms
    found = {arm.arm: arm for arm in findings.arms}
    columns = [
        words("arm", (arm.arm for arm in arms)),
        numbers("unmoved", (_of_learned(arm.unmoved, found.get(arm.arm)) for arm in arms)),
        numbers("collapsed", (str(arm.collapsed) for arm in arms)),
        numbers("at clamp", (_at_clamp(found.get(arm.arm)) for arm in arms)),
        numbers("pruned", (str(arm.pruned) for arm in arms)),
        numbers("failed", (str(arm.failed) for arm in arms)),
        numbers("retried", (str(arm.retried) for arm in arms)),
        numbers("device seconds", (number(arm.device_seconds, 1) for arm in arms)),
    ]
    meaning = (
        "Unmoved: no weight changed by a tenth, so the trial is one with fixed weights. "
        "Collapsed: a weight was lost, or one loss took over. At clamp: a learned scalar ended "
        "at its bound."
    )
    total = f"Device time in all: {duration(sum(arm.device_seconds for arm in arms))}."
    said = (meaning, total) if arms else ()
    return Section(
        "diagnostics",
        "What became of the trials",
        (Table("Trials by arm", tuple(columns)),) if arms else (),
        said,
        tuple(map(_failure, summary.failures)),
    )


def _of_learned(unmoved: int, arm: ArmFindings | None) -> str:
    return f"{unmoved} of {arm.learned}" if arm and arm.learned else str(unmoved)


def _at_clamp(arm: ArmFindings | None) -> str:
    return str(arm.at_clamp) if arm else MISSING


def _failure(failure: Failure) -> str:
    reason = last_words(failure.last_reason)
    said = f"; last: {shorten(reason, _LONGEST_REASON, placeholder=' ...')}" if reason else ""
    return f"failed, {failure.cause}: {failure.count} ({failure.final} for good){said}"


def expected_best(findings: Findings) -> Section:
    """The best score to expect of so many trials, and of the whole arm."""
    arms = [arm for arm in findings.arms if arm.curve]
    if not arms:
        return Section("budget", "Expected best")
    shown = [
        numbers(str(n), (_at(arm.curve, n) for arm in arms))
        for n in budgets(max(len(arm.curve) for arm in arms))
    ]
    columns = [words("arm, trials", (arm.arm for arm in arms)), *shown]
    tables = [Table("Best score to expect of so many trials", tuple(columns))]
    paid = [arm for arm in arms if arm.best_of_arm is not None]
    if paid:
        tables.append(
            Table(
                "Score of taking the best trial of all, the choice paid for",
                (
                    words("arm", (arm.arm for arm in paid)),
                    numbers("score", (number(arm.best_of_arm) for arm in paid)),
                    numbers("optimism", (signed(arm.optimism) for arm in paid)),
                ),
            )
        )
    return Section("budget", "Expected best by budget", tuple(tables))


def budgets(most: int) -> list[int]:
    """Powers of 2 up to a number of trials, or of 4, 8, ...; and the number itself.

    >>> budgets(24), budgets(1000)
    ([1, 2, 4, 8, 16, 24], [1, 4, 16, 64, 256, 1000])
    """
    step = 2
    while True:
        found = [1]
        while found[-1] * step < most:
            found.append(found[-1] * step)
        if most > 1:
            found.append(most)
        if len(found) <= _MOST_BUDGETS:
            return found
        step *= 2


def _at(curve: Sequence[float], trials: int) -> str:
    return number(curve[trials - 1]) if trials <= len(curve) else MISSING


def weights(findings: Findings) -> Section:
    """Where the weights of each arm's cell went, and whose gradient it was in the end."""
    tables = []
    if findings.courses:
        tables.append(_courses(findings.courses))
    shared = {arm.arm: arm.gradient_share for arm in findings.arms if arm.gradient_share}
    if shared:
        terms = dict.fromkeys(term for shares in shared.values() for term in shares)
        columns = (
            numbers(term, (percent(shares.get(term)) for shares in shared.values()))
            for term in terms
        )
        title = "Share of each loss in the gradient after the last epoch"
        tables.append(Table(title, (words("arm", shared), *columns)))
    return Section("weights", "Weights", tuple(tables))


def _courses(courses: Sequence[Course]) -> Table:
    """A row for each cell, a column for each term."""
    cells = dict.fromkeys((course.arm, course.cell, course.runs) for course in courses)
    terms = dict.fromkeys(course.term for course in courses)
    found = {(course.arm, course.cell, course.term): course for course in courses}
    columns = (
        words(term, (_course(found.get((arm, cell, term))) for arm, cell, _ in cells))
        for term in terms
    )
    first = words("cell", (f"{arm}: {cell} ({runs}{NBSP}runs)" for arm, cell, runs in cells))
    caption = "Weights from the first epoch to the last, with their SD over folds and repeats"
    return Table(caption, (first, *columns))


def _course(course: Course | None) -> str:
    if course is None or not course.mean:
        return MISSING
    ends = f"{short(course.mean[0])}{NBSP}to{NBSP}{short(course.mean[-1])}"
    return f"{ends} (SD{NBSP}{short(course.sd[-1])})"


def best_trials(summary: Summary, findings: Findings) -> Section:
    """Parameters of each arm's best trial, where its weights went, what was confirmed."""
    arms = [arm for arm in summary.arms if arm.best_params is not None]
    columns = [
        words("arm", (arm.arm for arm in arms)),
        words("parameters", (_params(arm.best_params) for arm in arms)),
        words("weights from start to end", map(_moves, arms)),
    ]
    tables = [Table("The trial with the highest score of each arm", tuple(columns))] if arms else []
    confirmed = [arm for arm in findings.arms if arm.confirmed_repeats]
    if confirmed:
        tables.append(_confirmed_cells(confirmed))
    return Section("best", "Best trials", tuple(tables))


def _confirmed_cells(arms: Sequence[ArmFindings]) -> Table:
    columns = (
        words("arm", (arm.arm for arm in arms)),
        words("parameters", (_params(arm.confirmed_params) for arm in arms)),
        numbers("mean", (number(arm.confirmed) for arm in arms)),
        numbers("SD over repeats", (number(arm.confirmed_sd) for arm in arms)),
        numbers("repeats", (str(arm.confirmed_repeats) for arm in arms)),
    )
    return Table("The configuration of each arm that was run again", columns)


def _params(params: Mapping[str, float | str] | None) -> str:
    return MISSING if params is None else params_in_words(params) or "no parameters"


def _moves(arm: ArmSummary) -> str:
    steps = (
        f"{term}{NBSP}{short(a)}{NBSP}to{NBSP}{short(b)}"
        for term, (a, b) in (arm.best_weights or {}).items()
    )
    return ", ".join(steps) or MISSING
