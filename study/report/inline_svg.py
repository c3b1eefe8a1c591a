"""An SVG document as a part of an HTML page."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from study.report.figures import INK, PALETTE

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_FONT = re.compile(r"font-family: [^;]*;? ?")


def inline(document: str, key: str, title: str, description: str) -> str:
    """The picture without its own size, its ids made the page's, its colours the page's.

    Args:
        document: as matplotlib writes it.
        key: unique on the page; all ids begin with it.
        title: its name for who does not see it.
        description: what it shows, likewise.
    """
    root = ET.fromstring(document)  # noqa: S314 (matplotlib wrote it a moment ago)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    for element in root.iter():
        _own(element, key)
    for defs in root.findall(f"{{{_SVG}}}defs"):
        for style in defs.findall(f"{{{_SVG}}}style"):
            defs.remove(style)  # it would hold for the whole page
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-description")
    for place, (name, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{_SVG}}}{name}")
        element.set("id", f"{key}-{'title' if name == 'title' else 'description'}")
        element.text = text
        root.insert(place, element)
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


def _own(element: ET.Element, key: str) -> None:
    if "id" in element.attrib:
        element.set("id", f"{key}-{element.get('id')}")
    if _LINK in element.attrib:
        target = str(element.attrib.pop(_LINK)).removeprefix("#")
        element.set("href", f"#{key}-{target}")
    if "clip-path" in element.attrib:
        element.set("clip-path", str(element.get("clip-path")).replace("#", f"#{key}-"))
    if "style" in element.attrib:
        element.set("style", _style(str(element.get("style")), key))


def _style(style: str, key: str) -> str:
    style = _FONT.sub("", style).replace("url(#", f"url(#{key}-").replace(INK, "currentColor")
    for i, colour in enumerate(PALETTE):
        style = style.replace(colour, f"var(--series-{i})")
    return style
