"""Contrasts as sections of a report: the primary ones, the views side by side, the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from study.report.findings import VIEWS, Contrast, Findings, Scope, View
from study.report.tables import Column, Section, Table, numbers, words
from study.report.wording import (
    METRIC_WORDS,
    MISSING,
    NBSP,
    SCOPE_WORDS,
    VIEW_WORDS,
    interval,
    metric,
    number,
    pair,
    probability,
    signed,
    verdict_in_words,
)

SCOPES: tuple[Scope, ...] = ("population", "these_subjects")


def primary(findings: Findings) -> Section:
    """The contrasts that the headline rests on, and the others of the same view."""
    view = findings.primary_view
    if view is None:
        return Section("contrasts", "Contrasts")
    others = tuple(
        contrast
        for contrast in findings.contrasts
        if not contrast.primary and contrast.view == view and contrast.scope == "population"
    )
    captions = (f"Primary contrasts, {VIEW_WORDS[view]}", "Other contrasts, in the same view")
    tables = [
        table
        for caption, contrasts in zip(captions, (findings.primary, others), strict=True)
        if contrasts
        for table in _tables(caption, contrasts, findings.rope)
    ]
    if not tables:
        return Section("contrasts", "Contrasts")
    region = f"+-{findings.rope:g}"
    meaning = (
        "A difference is the first arm's score minus the other's, for new training sets and new "
        f"subjects. Equivalent means within {region}. What could have been seen is the smallest "
        "difference that the study had an 80% chance to show."
    )
    shown = [*findings.primary, *others]
    return Section("contrasts", "Contrasts", tuple(tables), (meaning,), _notes(shown))


def named(pairs: Sequence[tuple[str, str]]) -> Column:
    """Names the rows of contrasts; what all of them are against is said once."""
    against = {against for _, against in pairs}
    if len(against) == 1:
        return words(f"arm against{NBSP}{against.pop()}", (arm for arm, _ in pairs))
    return words("contrast", (pair(*names) for names in pairs))


def _notes(contrasts: Sequence[Contrast]) -> tuple[str, ...]:
    """What limits each contrast, said once."""
    said = [f"{pair(c.arm, c.against)}: {c.note}" for c in contrasts if c.note]
    return tuple(dict.fromkeys(said))


def _tables(caption: str, contrasts: Sequence[Contrast], rope: float) -> Iterator[Table]:
    yield _measured(caption, contrasts, rope)
    if any(c.p_equivalent is not None for c in contrasts):
        yield _chances(f"{caption}: probabilities", contrasts)


def _measured(caption: str, contrasts: Sequence[Contrast], rope: float) -> Table:
    columns = (
        named([(c.arm, c.against) for c in contrasts]),
        numbers("difference", (signed(c.difference) for c in contrasts)),
        numbers("95% interval", (interval(c.ci95) for c in contrasts)),
        numbers("p (Holm)", (probability(c.p_holm) for c in contrasts)),
        numbers("could have seen", (number(c.detectable) for c in contrasts)),
        words("verdict", (verdict_in_words(c, rope) for c in contrasts)),
    )
    return Table(caption, columns)


def _chances(caption: str, contrasts: Sequence[Contrast]) -> Table:
    columns = [
        named([(c.arm, c.against) for c in contrasts]),
        numbers("P(worse)", (probability(c.p_worse) for c in contrasts)),
        numbers("P(equivalent)", (probability(c.p_equivalent) for c in contrasts)),
        numbers("P(better)", (probability(c.p_better) for c in contrasts)),
        numbers("repeats", (str(c.repeats) for c in contrasts)),
        words("would more repeats decide it", (_reachable(c) for c in contrasts)),
    ]
    if any(c.look is not None for c in contrasts):
        columns.append(numbers("ended at look", (_count(c.look) for c in contrasts)))
    return Table(caption, tuple(columns))


def _reachable(contrast: Contrast) -> str:
    if contrast.verdict != "undecided":
        return "decided"
    return {True: "they could", False: "no number would", None: MISSING}[contrast.reachable]


def _count(value: int | None) -> str:
    return MISSING if value is None else str(value)


def views(findings: Findings) -> Section:
    """Difference and verdict of each contrast in every view, a table for each scope."""
    seen = {(c.view, c.scope) for c in findings.contrasts}
    tables = [
        _side_by_side(scope, [c for c in findings.contrasts if c.scope == scope], findings.rope)
        for scope in SCOPES
        if any(scope == found for _, found in seen)
    ]
    return Section("views", "Views side by side", tuple(tables) if len(seen) > 1 else ())


def _side_by_side(scope: Scope, contrasts: Sequence[Contrast], rope: float) -> Table:
    pairs = list(dict.fromkeys((c.arm, c.against) for c in contrasts))
    by_view = {(c.arm, c.against, c.view): c for c in contrasts}
    there = [view for view in VIEWS if any(c.view == view for c in contrasts)]
    columns = [
        words(
            _head(view, contrasts),
            (_cell(by_view.get((*names, view)), rope) for names in pairs),
        )
        for view in there
    ]
    return Table(f"Scope: {SCOPE_WORDS[scope]}", (named(pairs), *columns))


def _head(view: View, contrasts: Sequence[Contrast]) -> str:
    budgets = {c.budget for c in contrasts if c.view == view} - {None}
    of = f" ({budgets.pop()}{NBSP}trials)" if len(budgets) == 1 else ""
    return f"{VIEW_WORDS[view]}{of}"


def _cell(contrast: Contrast | None, rope: float) -> str:
    if contrast is None:
        return MISSING
    said = verdict_in_words(contrast, rope)
    return said if said == "not compared" else f"{signed(contrast.difference)} {said}"


def every(findings: Findings) -> Section:
    """Each contrast with all its numbers."""
    contrasts = findings.contrasts
    table = Table(
        "All contrasts in all views",
        (
            named([(c.arm, c.against) for c in contrasts]),
            words("view", (VIEW_WORDS[c.view] for c in contrasts)),
            words("scope", (SCOPE_WORDS[c.scope] for c in contrasts)),
            numbers("difference", (signed(c.difference) for c in contrasts)),
            numbers("95% interval", (interval(c.ci95) for c in contrasts)),
            numbers("p", (probability(c.p_corrected) for c in contrasts)),
            numbers("p (Holm)", (probability(c.p_holm) for c in contrasts)),
            numbers("P(worse)", (probability(c.p_worse) for c in contrasts)),
            numbers("P(equivalent)", (probability(c.p_equivalent) for c in contrasts)),
            numbers("P(better)", (probability(c.p_better) for c in contrasts)),
            numbers("repeats", (str(c.repeats) for c in contrasts)),
            words("verdict", (verdict_in_words(c, findings.rope) for c in contrasts)),
            words("note", (c.note or "" for c in contrasts)),
        ),
    )
    return Section("every", "Every contrast", (table,) if contrasts else (), detail=True)


def metrics(findings: Findings) -> Section:
    """The two F1 scores apart, over a bootstrap of whole subjects."""
    compared = [
        c
        for c in findings.contrasts
        if c.subjects and c.view == findings.primary_view and c.scope == "population"
    ]
    measured = [arm for arm in findings.arms if arm.declared]
    tables = []
    if compared:
        columns = (
            words(said, (metric(c.subjects.get(name), difference=True) for c in compared))
            for name, said in METRIC_WORDS.items()
        )
        first = named([(c.arm, c.against) for c in compared])
        tables.append(Table("Differences", (first, *columns)))
    if measured:
        columns = (
            words(said, (metric(arm.declared.get(name)) for arm in measured))
            for name, said in METRIC_WORDS.items()
        )
        first = words("arm", (arm.arm for arm in measured))
        tables.append(Table("The declared configuration of each arm", (first, *columns)))
    meaning = ("Intervals of 95% from drawing whole subjects again.",)
    title = "Binary and macro F1 apart"
    return Section("metrics", title, tuple(tables), meaning) if tables else Section("", title)
