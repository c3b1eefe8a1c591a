"""Text, Markdown and JSON of rich studies and odd ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.report import as_json, markdown, text, text_table
from study.report.findings import Findings
from study.report.summary import Summary
from study.report.tables import Column, Table
from tests.study.report.samples import ARMS, HEADLINE, POWER, arm_findings, contrast, rich
from tests.study.report.studies import STUDIES, notes_only, one_arm

Study = Callable[[], tuple[Summary, Findings]]
every_study = pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)


@every_study
def test_text_fits_80_columns_and_begins_with_the_headline(study: Study) -> None:
    summary, findings = study()
    said = text.render(summary, findings)
    assert max(map(len, said.splitlines())) <= 80
    assert " ".join(said.split("\n\n")[0].split()) == findings.headline
    assert all(line.isprintable() and line == line.rstrip() for line in said.split("\n"))
    assert not {"nan", "None", "inf"} & set(said.split())


@every_study
def test_markdown_tables_are_whole(study: Study) -> None:
    summary, findings = study()
    blocks = markdown.render(summary, findings).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("| ")]
    assert len(tables) == sum(len(lines) > 2 for lines in tables)
    for lines in tables:
        assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


@every_study
def test_json_is_strict_and_has_all_keys(study: Study) -> None:
    found = json.loads(as_json.render(*study()), parse_constant=pytest.fail)
    documented = {"study", "data", "trials", "arms", "contrasts", "detectable_difference"}
    added = {"failures", "headline", "rope", "primary_view", "power", "noise", "limits", "weights"}
    assert set(found) >= documented | added


def test_json_holds_every_number() -> None:
    found = json.loads(as_json.render(*rich()))
    assert found["headline"] == HEADLINE
    assert found["detectable_difference"] == found["power"]["detectable"] == 0.016
    first = found["contrasts"][0]
    assert (first["arm"], first["against"], first["view"]) == ("uncertainty", "fixed", "confirmed")
    assert first["ci95"] == pytest.approx([-0.0121, 0.0097])
    assert first["subjects"]["binary_f1"]["estimate"] == pytest.approx(-0.0006)
    fixed = found["arms"][0]
    assert fixed["mean"] == 0.745
    assert len(fixed["expected_best"]) == 24
    assert fixed["confirmed_repeats"] == 5
    assert found["weights"][0]["term"] == "multiclass"


def test_json_has_null_for_what_was_not_found() -> None:
    summary, findings = notes_only()
    found = json.loads(as_json.render(summary, findings))
    assert found["detectable_difference"] is found["power"] is None
    assert found["arms"][0]["expected_best"] is found["arms"][0]["at_clamp"] is None
    contrast = found["contrasts"][0]
    assert contrast["difference"] is contrast["ci95"] is contrast["p_holm"] is None
    assert contrast["note"].startswith("fold 3 failed")


def test_what_is_not_a_number_is_shown_as_missing() -> None:
    summary, findings = rich()
    odd = replace(
        contrast("direct"), difference=float("nan"), ci95=(float("-inf"), 0.1), p_holm=float("nan")
    )
    findings = replace(findings, contrasts=(odd,))
    found = json.loads(as_json.render(summary, findings), parse_constant=pytest.fail)
    assert found["contrasts"][0]["ci95"] == [None, 0.1]
    said = text.render(summary, findings)
    assert "nan" not in said
    assert "not compared" in said


def test_notes_stand_in_place_of_numbers() -> None:
    said = text.render(*notes_only())
    rows = [line.split() for line in said.splitlines()]
    assert ["direct", "-", "-", "-", "-", "not", "compared"] in rows
    words = " ".join(said.split())
    assert "direct against fixed: fold 3 failed in this arm" in words
    assert "no difference shown" not in said.split("Contrasts\n")[1].split("What became")[0]


def test_text_tells_what_each_contrast_came_to() -> None:
    said = text.render(*rich())
    table = said.split("Primary contrasts, confirmed\n")[1].split("\n\n")[0]
    words = " ".join(table.split())
    assert "uncertainty -0.0012 [-0.0121, 0.0097] 0.830 0.0160 no difference shown" in words
    assert "direct -0.0213 [-0.0322, -0.0104] 0.830 0.0160 worse" in words
    assert "direct_anchored +0.0004 [-0.0105, 0.0113] 0.830 0.0160 equivalent" in words


def test_views_stand_side_by_side() -> None:
    said = markdown.render(*rich())
    assert "| arm against fixed | confirmed | declared | equal budget (24 trials) |" in said
    assert "| direct | -0.0213 worse | -0.0203 worse | -0.0233 worse | -0.0213 worse |" in said


def test_one_view_alone_is_not_compared_with_itself() -> None:
    summary, findings = rich()
    alone = replace(findings, contrasts=(contrast("direct"),))
    assert "Views side by side" not in text.render(summary, alone)


def test_contrasts_against_different_arms_name_both() -> None:
    summary, findings = rich()
    other = replace(contrast("direct"), against="baseline")
    said = markdown.render(summary, replace(findings, contrasts=(contrast("direct"), other)))
    assert "| direct against fixed |" in said
    assert "| direct against baseline |" in said


def test_power_says_what_no_number_of_repeats_shows() -> None:
    said = " ".join(text.render(*rich()).split())
    assert "could have seen a difference of 0.0160 (80% power" in said
    assert "No number of repeats would show 0.0050; that takes about 210 subjects." in said
    assert "the narrowest region in which they could is +-0.0113." in said


def test_power_says_what_repeats_would_cost() -> None:
    summary, findings = rich()
    bought = replace(POWER, repeats_needed=12, device_hours_needed=34.2, equivalence_repeats=40)
    said = " ".join(text.render(summary, replace(findings, power=bought)).split())
    assert "To show 0.0050 takes 12 repeats in all, which cost some 34 device-hours more." in said
    assert "40 repeats would show equivalence within +-0.005." in said


def test_a_difference_within_reach_asks_for_nothing() -> None:
    summary, findings = rich()
    said = text.render(summary, replace(findings, power=replace(POWER, wanted=0.02)))
    assert "The difference asked about, 0.0200, was within its reach." in " ".join(said.split())


def test_flags_are_counted_out_of_those_that_learned() -> None:
    rows = [line.split() for line in text.render(*rich()).splitlines()]
    assert ["uncertainty", "3", "of", "8", "0", "0", "0", "0", "1", "812.5"] in rows
    assert ["fixed", "0", "0", "0", "0", "0", "1", "812.5"] in rows


def test_an_arm_with_fewer_trials_has_no_expected_best_beyond_them() -> None:
    said = text.render(*rich())
    head, *rows = (
        said.split("Best score to expect of so many trials\n")[1].split("\n\n")[0].split("\n")
    )
    assert head.split()[2:] == ["1", "2", "4", "8", "16", "24"]
    by_arm = {row.split()[0]: row.split()[1:] for row in rows}
    assert list(by_arm) == list(ARMS)
    assert by_arm["fixed"][-1] == f"{arm_findings('fixed').curve[-1]:.4f}"
    assert by_arm["equal"][-2:] == ["-", "-"]


def test_one_arm_has_scores_and_no_contrast() -> None:
    said = text.render(*one_arm())
    assert ["fixed", "1", "0.7450", "-", "0.0215", "0.7650"] in [
        line.split() for line in said.splitlines()
    ]
    assert "Contrasts" not in said
    assert "- There is one arm only: nothing can be compared." in said


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=90), st.booleans()), min_size=1, max_size=9),
    st.lists(st.text(max_size=120), min_size=9, max_size=9),
)
def test_no_table_is_wider_than_a_terminal(heads: list[tuple[str, bool]], cells: list[str]) -> None:
    columns = tuple(
        Column(head, (cell,), words) for (head, words), cell in zip(heads, cells, strict=False)
    )
    lines = text_table.lines(Table("caption", columns))
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
