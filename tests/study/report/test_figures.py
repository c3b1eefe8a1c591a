"""Figures: drawn from what there is, without touching the settings of others."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from study.report.figure_contrasts import drawable
from study.report.figures import figures, svg
from tests.study.report.samples import contrast, course, rich
from tests.study.report.studies import STUDIES


@pytest.mark.parametrize(
    ("study", "keys"),
    [
        ("rich", ["contrasts", "budget", "weights"]),
        ("empty", []),
        ("one_arm", ["budget"]),
        ("notes_only", []),
    ],
)
def test_what_does_not_exist_is_not_drawn(study: str, keys: list[str]) -> None:
    assert list(figures(*STUDIES[study]())) == keys


def test_figures_change_no_setting_and_repeat_themselves() -> None:
    before = dict(mpl.rcParams)
    first, second = (
        {key: svg(figure) for key, figure in figures(*rich()).items()} for _ in range(2)
    )
    assert first == second
    assert dict(mpl.rcParams) == before


def test_names_are_drawn_as_they_are() -> None:
    summary, findings = rich()
    odd = replace(findings, contrasts=(replace(contrast("direct"), arm="$\\frac <&\x1b"),))
    text = svg(figures(summary, odd)["contrasts"])
    drawn = [element.text for element in ET.fromstring(text).iter() if element.text]
    assert "$\\frac <&\\x1b" in drawn


def test_the_wider_scope_is_drawn_where_there_are_both() -> None:
    _, findings = rich()
    narrow = replace(contrast("direct"), scope="these_subjects", primary=False)
    both = replace(findings, contrasts=(narrow, contrast("direct")))
    assert drawable(both) == (contrast("direct"),)


def test_weights_that_reach_zero_are_drawn_too() -> None:
    summary, findings = rich()
    lost = replace(findings, courses=(course("direct", "kl", 0.1, 0.0),))
    assert "weights" in figures(summary, lost)
    svg(figures(summary, lost)["weights"])


def test_nothing_heavy_is_loaded_before_it_draws_and_no_pyplot_then() -> None:
    probe = (
        "import sys\n"
        "from study.report import as_json, figures, html, markdown, text\n"
        "heavy = {'matplotlib', 'jinja2', 'torch', 'pandas', 'optuna'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "from tests.study.report.studies import one_arm\n"
        "html.render(*one_arm())\n"
        "print(sorted({'matplotlib.pyplot', 'torch', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]
