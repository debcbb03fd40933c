"""The feed beside the index page: what the newest release changed, a report an entry (Atom, RFC 4287)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "updates.xml"
_ATOM = "http://www.w3.org/2005/Atom"


def feed(rows: Sequence[dict[str, Any]]) -> str:
    """Return the feed of the rows of an index page that have news; "" where there are none.

    The same rows give the same bytes: its times are those at which the archive was read.
    """
    news = [r for r in rows if r["news"]]
    if not news:
        return ""
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    newest = max(r["read"] for r in news)
    _fill(root, "Recorded crime: what is new", "", newest, "index.html")
    author = ET.SubElement(root, f"{{{_ATOM}}}author")
    ET.SubElement(author, f"{{{_ATOM}}}name").text = "crimenb, from data.police.uk"
    for row in news:
        entry = ET.SubElement(root, f"{{{_ATOM}}}entry")
        _fill(
            entry,
            row["name"],
            f"{row['slug']} {row['release']}",
            row["read"],
            f"{quote(row['slug'])}/report.html",
        )
        ET.SubElement(entry, f"{{{_ATOM}}}summary").text = row["news"]
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _fill(element: ET.Element, title: str, key: str, updated: str, link: str) -> None:
    """Give a feed or an entry its title, id, time and link."""
    ET.SubElement(element, f"{{{_ATOM}}}title").text = title
    ET.SubElement(
        element, f"{{{_ATOM}}}id"
    ).text = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'crimenb {key}')}"
    ET.SubElement(element, f"{{{_ATOM}}}updated").text = updated
    ET.SubElement(element, f"{{{_ATOM}}}link", href=link)
