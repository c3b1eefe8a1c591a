"""All that a report says, in order; each format shows these sections its own way."""

from __future__ import annotations

from study.report import arm_sections, contrast_sections, power_words
from study.report.findings import Findings
from study.report.summary import Summary
from study.report.tables import Section


def sections(summary: Summary, findings: Findings) -> tuple[Section, ...]:
    """The sections that have something to say."""
    found = (
        arm_sections.scores(summary, findings),
        contrast_sections.primary(findings),
        contrast_sections.views(findings),
        contrast_sections.metrics(findings),
        power_words.power(findings),
        power_words.noise(findings),
        arm_sections.diagnostics(summary, findings),
        arm_sections.expected_best(findings),
        arm_sections.weights(findings),
        arm_sections.best_trials(summary, findings),
        contrast_sections.every(findings),
        Section("limits", "Limits", items=findings.limits),
    )
    return tuple(section for section in found if section)
