"""The page: valid, loading nothing, its numbers those of the JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from study.report import as_json, html
from study.report.findings import Findings
from study.report.summary import Summary
from tests.study.report.pages import Page
from tests.study.report.samples import contrast, courses, rich
from tests.study.report.studies import STUDIES

HOSTILE = "<script>alert(1)</script> \"a\" 'b' & {{ 7*7 }} $x^ \x1b[2J"


@pytest.fixture(scope="module")
def text() -> str:
    return html.render(*rich())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_study_has_a_whole_page(study: Callable[[], tuple[Summary, Findings]]) -> None:
    summary, findings = study()
    found = Page(html.render(summary, findings))
    assert found.declaration == "DOCTYPE html"
    assert found.text["p"][0] == findings.headline
    assert "nan" not in "".join(found.text["p"]).lower().split()


def test_nothing_is_loaded(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "image", "base"}
    links = page.values("href", "src", "srcset", "xlink:href", "action", "poster")
    assert links
    assert all(link.startswith("#") for link in links)
    styles = " ".join(page.values("style"))
    assert "url(" not in styles
    assert "@import" not in styles


def test_its_policy_forbids_all_but_its_own_style(page: Page) -> None:
    policies = [of["content"] for _, of in page.elements if "http-equiv" in of]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_ids_are_unique_and_references_are_met(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = {name for names in page.values("aria-labelledby") for name in names.split()}
    wanted |= {link.removeprefix("#") for link in page.values("href")}
    wanted |= {clip[len("url(#") : -1] for clip in page.values("clip-path")}
    assert wanted <= set(ids)


def test_headings_tables_and_figures_can_be_read_aloud(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert ("html", {"lang": "en"}) in page.elements
    assert all(of.get("scope") in {"col", "row"} for tag, of in page.elements if tag == "th")
    captions = [tag for tag, _ in page.elements if tag == "caption"]
    assert len(captions) == sum(tag == "table" for tag, _ in page.elements) == len(page.tables)
    pictures = [of for tag, of in page.elements if tag == "svg"]
    assert len(pictures) == 3
    assert all(of["role"] == "img" and of["aria-labelledby"] for of in pictures)


def test_names_are_escaped_wherever_they_stand() -> None:
    summary, findings = rich()
    hostile = replace(
        findings,
        headline=HOSTILE,
        limits=(HOSTILE,),
        contrasts=(
            replace(contrast("direct"), arm=HOSTILE),
            replace(contrast("uncertainty"), note=HOSTILE),
        ),
        arms=tuple(replace(arm, arm=HOSTILE) for arm in findings.arms[:1]),
        courses=tuple(replace(course, arm=HOSTILE, cell="]]>") for course in courses()),
    )
    text = html.render(replace(summary, study=HOSTILE, data=HOSTILE), hostile)
    found = Page(text)
    assert "script" not in {tag for tag, _ in found.elements}
    assert "\x1b" not in text
    assert found.text["p"][0] == HOSTILE.replace("\x1b", "\\x1b")
    assert "{{ 7*7 }}" in found.text["h1"][0]


def test_numbers_are_those_of_the_json(page: Page) -> None:
    document = as_json.document(*rich())
    head, *rows = page.tables["Primary contrasts, confirmed"]
    assert head[:3] == ["arm against fixed", "difference", "95% interval"]
    primary = [c for c in document["contrasts"] if c["primary"]]
    assert [row[:5] for row in rows] == [
        [
            c["arm"],
            f"{c['difference']:+.4f}",
            "[{:.4f}, {:.4f}]".format(*c["ci95"]),
            f"{c['p_holm']:.3f}",
            f"{c['detectable']:.4f}",
        ]
        for c in primary
    ]
    assert [row[5] for row in rows] == [
        "no difference shown",
        "worse",
        "equivalent within ±0.005",
    ]
    assert len(page.tables["All contrasts in all views"]) == 1 + len(document["contrasts"])


def test_the_same_study_gives_the_same_page(text: str) -> None:
    assert html.render(*rich()) == text
