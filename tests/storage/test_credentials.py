"""Secrets in files: the storage's URL, its password, and where they must not be seen."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import URL
from sqlalchemy.engine import make_url

from storage import url as url_module
from storage.credentials import SecretError, secret
from storage.errors import UrlError
from storage.url import masked, resolve_url

PLAIN = "postgresql+psycopg://u@h/db"


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["study"])
    for name in ("STUDY_STORAGE", "STUDY_STORAGE_FILE", "STUDY_STORAGE_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    url_module._warn_of_visible_password.cache_clear()


def set_file(monkeypatch: pytest.MonkeyPatch, variable: str, content: str) -> None:
    Path(variable).write_bytes(content.encode())
    monkeypatch.setenv(variable, variable)


def test_the_whole_url_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    set_file(monkeypatch, "STUDY_STORAGE_FILE", "postgresql://u:pw@h/db\n")
    assert resolve_url(None) == "postgresql+psycopg://u:pw@h/db"
    assert resolve_url("sqlite:///flag.db") == "sqlite:///flag.db"


@pytest.mark.parametrize("flag", [None, PLAIN])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_password_may_be_in_a_file(
    flag: str | None, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_STORAGE", "postgresql://u@h/db")
    set_file(monkeypatch, "STUDY_STORAGE_PASSWORD_FILE", " p@ss:/é% " + end)
    resolved = resolve_url(flag)
    assert make_url(resolved).password == " p@ss:/é% "
    assert resolve_url(resolved) == resolved
    assert resolve_url("sqlite:///study.db") == "sqlite:///study.db"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u:other@h/db", "expected one password, found one in the URL and another in"),
        ("postgresql://u@h/db?password=other", "expected one password"),
        ("postgresql://h/db", "expected a user to go with the password"),
        ("postgresql:///db", "expected a user to go with the password"),
    ],
)
def test_a_password_file_that_does_not_go_with_the_url(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_file(monkeypatch, "STUDY_STORAGE_PASSWORD_FILE", "secret")
    with pytest.raises(UrlError, match=message) as caught:
        resolve_url(url)
    assert "secret" not in str(caught.value)
    assert "other" not in str(caught.value).replace("another", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected one line in .*, found nothing"),
        (b" \n", "expected one line in .*, found nothing"),
        (b"a\nb\n", "expected one line in .*, found more"),
        (b"a\0b", "expected one line in .*, found more"),
        (b"\xff\n", "expected a file with one line of text in UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
@pytest.mark.parametrize("variable", ["STUDY_STORAGE_FILE", "STUDY_STORAGE_PASSWORD_FILE"])
def test_a_file_that_cannot_be_used(
    variable: str, content: bytes | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        Path("secret").write_bytes(content)
    monkeypatch.setenv(variable, "secret")
    with pytest.raises(SecretError, match=rf"^{variable}: .*{message}"):
        resolve_url(None if variable == "STUDY_STORAGE_FILE" else PLAIN)


def test_a_folder_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDY_STORAGE_PASSWORD_FILE", str(tmp_path))
    with pytest.raises(SecretError, match="cannot be read: Is a directory"):
        resolve_url(PLAIN)


def test_a_url_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_STORAGE", PLAIN)
    set_file(monkeypatch, "STUDY_STORAGE_FILE", PLAIN)
    with pytest.raises(SecretError, match="expected STUDY_STORAGE or STUDY_STORAGE_FILE"):
        resolve_url(None)
    assert resolve_url(PLAIN) == PLAIN


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STUDY_STORAGE", "STUDY_STORAGE_FILE", "STUDY_STORAGE_PASSWORD_FILE"):
        monkeypatch.setenv(name, "")
    assert secret("STUDY_STORAGE") is None
    assert resolve_url(None) == "sqlite:///study.db"
    assert resolve_url(PLAIN) == PLAIN


@pytest.mark.parametrize("argument", ["postgresql://u:pw@h/db", "--storage=postgresql://u:pw@h/db"])
def test_a_password_on_the_command_line_is_warned_of_once(
    argument: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["study", argument])
    for _ in range(2):
        resolved = resolve_url("postgresql://u:pw@h/db")
        assert resolve_url(resolved) == resolved
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "STUDY_STORAGE_PASSWORD_FILE" in record.message
    assert "pw" not in record.message


def test_no_warning_where_nobody_can_see_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["study", "--storage", "postgresql://u@h/db"])
    monkeypatch.setenv("STUDY_STORAGE", "postgresql://u:pw@h/db")
    resolve_url(None)
    resolve_url("postgresql://u@h/db")
    assert caplog.records == []


PASSWORD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).map(
    lambda text: f"S3cret{text}S3cret"
)
RAW = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
    lambda text: f"S3cret{text}S3cret"
)
USER = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
WORDS = st.sampled_from(
    ["failed:", "(psycopg.OperationalError)", "[SQL: SELECT 1]", "retry in 5 s,"]
)


def rendered(user: str, password: str) -> str:
    url = URL.create("postgresql+psycopg", user, password, "host", 5432, "db")
    return url.render_as_string(hide_password=False)


@given(USER, PASSWORD)
def test_a_rendered_url_is_masked_and_nothing_else_of_it(user: str, password: str) -> None:
    url = rendered(user, password)
    shown = masked(url)
    assert shown == url.replace(url[url.index("S3cret") : url.rindex("S3cret") + 6], "***")


@given(RAW)
@example("S3cret@S3cret/S3cret")
@example("S3cret ://S3cret")
def test_a_url_as_it_was_typed_is_masked(password: str) -> None:
    assert "S3cret" not in masked(f"postgresql://u:{password}@h/db")


@given(st.lists(st.tuples(WORDS, USER, PASSWORD), min_size=1, max_size=4))
def test_every_url_of_a_text_is_masked_and_the_rest_is_kept(
    parts: list[tuple[str, str, str]],
) -> None:
    text = " ".join(f"{word} {rendered(user, secret)}" for word, user, secret in parts)
    shown = masked(text + "\nTraceback (most recent call last): mail me@home")
    assert "S3cret" not in shown
    assert shown.count(":***@host:5432/db") == len(parts)
    assert shown.endswith("\nTraceback (most recent call last): mail me@home")
    assert all(word in shown for word, *_ in parts)


@given(PASSWORD, st.sampled_from(["password", "sslpassword", "PGPASSWORD", "STUDY_OWNER_PASSWORD"]))
def test_settings_of_libpq_are_masked(password: str, name: str) -> None:
    from psycopg.conninfo import make_conninfo

    setting = make_conninfo(password=password).removeprefix("password=")
    shown = masked(f"connection to user=u {name}={setting} host=h failed")
    assert shown == f"connection to user=u {name}=*** host=h failed"
    shown = masked(f"create_connection(**{ {'user': 'u', name: password, 'host': 'h'} })")
    assert "S3cret" not in shown
    assert shown.endswith("'host': 'h'})")


@pytest.mark.parametrize(
    "text",
    [
        'FATAL: password authentication failed for user "u"',
        "Dashboard: http://127.0.0.1:8080/ (Ctrl-C ends it)",
        "see http://[::1]:8080/x and write to me@home",
        "STUDY_OWNER_PASSWORD: expected one line in f, found more",
        "sqlite:////data/a:b@c.db",
        "postgresql://u@h/db: no answer from u@h: gone",
    ],
)
def test_what_has_no_password_is_left_alone(text: str) -> None:
    assert masked(text) == text


def test_masking_twice_changes_nothing_more() -> None:
    text = f"at {rendered('u', 'a b@c')} and password='x y' and {rendered('v', 'z')}"
    assert masked(masked(text)) == masked(text)
