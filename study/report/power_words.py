"""What a study could have shown, and where its noise comes from, in sentences."""

from __future__ import annotations

from study.report.contrast_sections import named
from study.report.findings import Findings, Power
from study.report.tables import Section, Table, numbers, words
from study.report.wording import MISSING, number, percent


def power(findings: Findings) -> Section:
    """What could have been seen, and what it takes to see more."""
    found = findings.power
    said = () if found is None else (_seen(found, findings), _wanted(found), _equivalence(found))
    return Section("power", "What this study could have shown", sentences=said)


def _seen(found: Power, findings: Findings) -> str:
    count = findings.subjects
    subjects = "these subjects" if count is None else f"these {count} subjects"
    return (
        f"With {subjects} this study could have seen a difference of {number(found.detectable)} "
        f"(80% power, two-sided level {found.level:.3g}); with any number of repeats on them, "
        f"one of {number(found.at_best)}."
    )


def _wanted(found: Power) -> str:
    wanted = number(found.wanted)
    if found.wanted >= found.detectable:
        return f"The difference asked about, {wanted}, was within its reach."
    if found.repeats_needed is None:
        count = "more" if found.subjects_needed is None else f"about {found.subjects_needed:,}"
        return f"No number of repeats would show {wanted}; that takes {count} subjects."
    hours = found.device_hours_needed
    cost = "" if hours is None else f", which cost some {_hours(hours)} more"
    return f"To show {wanted} takes {found.repeats_needed:,} repeats in all{cost}."


def _hours(hours: float) -> str:
    return f"{hours:.1f} device-hours" if hours < 10 else f"{hours:,.0f} device-hours"


def _equivalence(found: Power) -> str:
    region = f"+-{found.rope:g}"
    if found.equivalence_repeats is None:
        return (
            f"No number of repeats could show equivalence within {region}: the narrowest region "
            f"in which they could is +-{number(found.least_rope)}."
        )
    return (
        f"If two arms do not differ at all, {found.equivalence_repeats:,} repeats would show "
        f"equivalence within {region}."
    )


def noise(findings: Findings) -> Section:
    """Where the noise of each contrast comes from, and what to buy more of."""
    found = findings.noise
    title = "Where the noise comes from"
    if not found:
        return Section("noise", title)
    sources = dict.fromkeys(name for of in found for name in of.shares)
    columns = [
        named([(of.arm, of.against) for of in found]),
        numbers("seeds SD", (number(of.seed_sd) for of in found)),
        numbers("splits SD", (number(of.split_sd) for of in found)),
        numbers("seeds and splits SD", (number(of.seed_split_sd) for of in found)),
        numbers("subjects SD", (number(of.subject_sd) for of in found)),
        *(
            numbers(
                f"{name.replace('_', ' ')} share", (percent(of.shares.get(name)) for of in found)
            )
            for name in sources
        ),
        words("more of first", (of.advice or MISSING for of in found)),
    ]
    meaning = (
        "SDs of a difference: of one fold's from seed to seed, of a repeat's mean from split to "
        "split, of the mean from one set of subjects to another. Shares are those of the variance "
        "of the mean. More of what the last column names makes the answer most precise."
    )
    return Section("noise", title, (Table("Noise by source", tuple(columns)),), (meaning,))
