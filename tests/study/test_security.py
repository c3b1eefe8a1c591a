"""What our code never does: run what it reads, or take a name for a path.

And that names reach a page as text: tests ask the dashboard for a study whose name,
data and failures are HTML and Markdown.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.request import urlopen

import optuna
import pytest
from markdown_it import MarkdownIt

from storage.optuna_schema import open_optuna
from study.config import StudyConfig
from study.plan import Cell
from study.report.conclusion import read
from study.report.note import refresh_note
from tests.study.commands import SMALL, run
from tests.study.recorded import BASELINE, database, recording
from tests.study.served import asked, serving

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "storage", "study", "benchmarks")
SOURCES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
RUNS_WHAT_IT_READS = re.compile(
    r"(pickle|cPickle|dill|marshal|cloudpickle|joblib|shelve)\.(load|loads|open|Unpickler)"
    r"|pandas\.read_pickle|numpy\.lib\.npyio\.load|yaml\.(unsafe_|full_)\w+"
    r"|os\.(system|popen)|eval|exec|compile|subprocess\.(getoutput|getstatusoutput)"
)
SAFE_WITH = {
    "torch.load": ("weights_only", True),
    "numpy.load": ("allow_pickle", False),
}
"""Calls that are safe with this argument, and must have it."""


def names_of_modules(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, e.g. np -> numpy, load -> torch.load."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update({a.asname or a.name: a.name for a in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return found


def dangers(source: str) -> list[str]:
    """Calls that run what they read or what a shell makes of it, each with its line."""
    tree = ast.parse(source)
    modules = names_of_modules(tree)
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and is_danger(node, modules)
    ]


def is_danger(call: ast.Call, modules: dict[str, str]) -> bool:
    first, dot, rest = ast.unparse(call.func).partition(".")
    name = modules.get(first, first) + dot + rest
    given = {word.arg: word.value for word in call.keywords}
    if name in SAFE_WITH:
        argument, value = SAFE_WITH[name]
        found = given.get(argument)
        return not (isinstance(found, ast.Constant) and found.value is value)
    shell = given.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        return True
    return RUNS_WHAT_IT_READS.fullmatch(name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_runs_what_it_reads(package: str) -> None:
    sources = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == package]
    assert sources
    found = {str(path): hits for path in sources if (hits := dangers(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import torch; torch.load(f)",
        "import torch; torch.load(f, weights_only=False)",
        "import torch as t; t.load(f, weights_only=given)",
        "from torch import load; load(f)",
        "import numpy as np; np.load(f)",
        "import numpy as np; np.load(f, allow_pickle=True)",
        "import pickle; pickle.loads(b)",
        "from pickle import load as read; read(f)",
        "import subprocess; subprocess.run(c, shell=True)",
        "from subprocess import Popen; Popen(c, shell=flag)",
        "import os; os.system(c)",
        "eval(text)",
        "import pandas as pd; pd.read_pickle(f)",
    ],
)
def test_dangers_are_seen(source: str) -> None:
    assert len(dangers(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import torch; torch.load(f, weights_only=True)",
        "import numpy as np; np.load(f, allow_pickle=False)",
        "import subprocess; subprocess.run(c, shell=False)",
        "network.eval()",
        "import json; json.load(f)",
        "import re; re.compile(p)",
    ],
)
def test_what_is_safe_is_left_alone(source: str) -> None:
    assert dangers(source) == []


OPENED = """
import os, sys
def noted(event, arguments):
    if event in {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"}:
        os.write(2, f"{event} {arguments[0]!r}\\n".encode(errors="replace"))
sys.addaudithook(noted)
from study.report.__main__ import main as report
from study.status import main as status
for made in ("text", "markdown", "json"):
    assert report(["--format", made, "--study-name", sys.argv[1]]) == 0
assert status(["--study-name", sys.argv[1]]) == 0
"""


def test_a_name_is_no_path_for_who_runs_a_study(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    url, cache = f"sqlite:///{folder}/study.db", {"STUDY_CACHE": str(tmp_path / "cache")}
    asked = ("--n-trials", 1, "--storage", url, "--workers", 1, *SMALL)
    code, _, said = run(*asked, "--study-name", "../../escaped", env=cache)
    assert code == 0, said
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found - {"deep", "deep/deeper"} <= {
        f"deep/deeper/study.db{end}" for end in ("", "-wal", "-shm", ".lock")
    }


def test_names_in_a_database_are_opened_by_nobody_who_reads_it(tmp_path: Path) -> None:
    url = database(tmp_path)
    data = f"{tmp_path}/marked.toml"
    with recording(url, name="marked/../study", config=StudyConfig(data=data)) as recorder:
        recorder.complete(BASELINE, [0.7, 0.8])
        recorder.fail(Cell("equal"), "exception", data, final=True)
    done = subprocess.run(
        [sys.executable, "-c", OPENED, "marked/../study"],
        cwd=ROOT,
        env=os.environ | {"STUDY_STORAGE": url},
        capture_output=True,
        text=True,
        check=True,
    )
    opened = [line for line in done.stderr.splitlines() if line.startswith(("open ", "os."))]
    assert any(str(tmp_path) in line for line in opened)
    assert [line for line in opened if "marked" in line] == []


SCRIPT = "<script>alert(1)</script>"
MARKUP = [
    SCRIPT,
    "</td></table><img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) ![b](http://evil.example/b.png)",
    "`code` **bold** _thin_ | cell",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "&lt;b&gt; ~~struck~~ $\\href{javascript:alert(1)}{x}$",
    "a\n# b\n\n- c\n    code\n---",
]


class Page(HTMLParser):
    """Tags and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard with a study for each piece of markup."""
    url = database(tmp_path_factory.mktemp("markup"))
    storage = open_optuna(url)
    for markup in MARKUP:
        study = optuna.create_study(storage=storage, study_name=markup)
        config = StudyConfig(data=markup)
        with recording(url, study_id=study._study_id, name=markup, config=config) as recorder:
            recorder.complete(BASELINE, [0.7, 0.8])
            recorder.fail(Cell("equal"), "exception", f"KeyError: {markup}", final=True)
            refresh_note(url, *read(recorder.engine, markup))
    storage.engine.dispose()
    with serving("--storage", url) as (address, _):
        yield address


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_names_is_text_on_the_page(served: str, markup: str) -> None:
    studies = json.loads(asked(f"{served}/api/studies")[1])["study_summaries"]
    (number,) = (s["study_id"] for s in studies if s["study_name"] == markup)
    body = json.loads(asked(f"{served}/api/studies/{number}")[1])["note"]["body"]
    kinds = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    page, line = Page(kinds.render(body)), " ".join(markup.split())
    assert page.tags <= {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert page.text.startswith(f"Study {line} on {line}\n")
    assert f"KeyError: {line}" in page.text
    assert re.search(r"(?<!\\)(\\\\)*\$", body) is None  # nor is it a formula


def test_names_are_data_in_what_the_dashboard_answers(served: str) -> None:
    for path in ("/api/studies", "/api/studies/1", "/csv/1"):
        with urlopen(f"{served}{path}", timeout=20) as answer:
            assert SCRIPT.encode() in answer.read() or path == "/csv/1"
            assert answer.headers.get_content_type() in {"application/json", "text/csv"}
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in (f"/dashboard/studies/{SCRIPT}", f"/{SCRIPT}", f"/api/studies/{SCRIPT}"):
        assert SCRIPT.encode() not in asked(f"{served}{path}")[1]
