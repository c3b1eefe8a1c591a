"""Reads an HTML page as a strict reader would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
Attributes = dict[str, str | None]


class Page(HTMLParser):
    """Elements with their attributes, tables with their cells; fails on what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.declaration = ""
        self.elements: list[tuple[str, Attributes]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text: dict[str, list[str]] = {}
        """By element."""
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"th", "td"}:
            self._rows[-1].append("")
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"caption", "h1", "h2", "li", "p"}:
            self.text.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self.text["caption"][-1]] = self._rows

    def handle_data(self, data: str) -> None:
        within = self._open[-1] if self._open else ""
        if within in {"th", "td"}:
            self._rows[-1][-1] += data.replace("\xa0", " ")
        elif within in self.text:
            self.text[within][-1] += data

    def values(self, *names: str) -> list[str]:
        """Of these attributes, wherever they are."""
        return [
            value or "" for _, of in self.elements for name, value in of.items() if name in names
        ]
