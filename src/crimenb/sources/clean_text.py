"""Text from outside, made plain: no mark-up, no unseen characters, a sane length, safe links."""

from __future__ import annotations

import html
import math
import re
from typing import Any
from urllib.parse import urlsplit

import nh3

LONGEST = {"label": 200, "text": 10_000}
"""Characters kept of a name or a description: a damaged or hostile one may have millions."""


# Control, format and other invisible characters that turn or hide text, but not line ends.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_BLOCK_END = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)


def coordinate(value: Any) -> float:
    """Return a coordinate as a number; NaN where there is none."""
    try:
        return float(value) if value not in ("", None) else math.nan
    except ValueError:
        return math.inf


def plain(text: str | None, kind: str = "label") -> str:
    """Return a text without mark-up, entities or unseen characters, cut at a sane length.

    >>> plain("<p>Leake &amp; Keyworth</p>")
    'Leake & Keyworth'
    """
    if not text:
        return ""
    cut = text[: 4 * LONGEST[kind]]
    if "<" in cut or "&" in cut:
        cut = html.unescape(nh3.clean(_BLOCK_END.sub(r"\n\g<0>", cut), tags=set()))
    return tidy(cut, kind)


def tidy(text: str | None, kind: str = "label") -> str:
    """Return a text without unseen characters, its blanks single, cut at a sane length."""
    if not text:
        return ""
    most = LONGEST[kind]
    seen = _UNSEEN.sub(" ", text[: 4 * most])
    if kind == "label":
        seen = " ".join(seen.split())
    else:
        lines = (" ".join(line.split()) for line in seen.splitlines())
        seen = re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
    return seen if len(seen) <= most else seen[: most - 1].rstrip() + "…"


def safe_link(url: str | None) -> str:
    """Return an address if it is http or https to a named host, else "".

    >>> safe_link("javascript:alert(1)")
    ''
    """
    address = (url or "").strip()
    if re.search(r"[\s\x00-\x20\x7f<>\"'`\\]", address) or len(address) > 2000:
        return ""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and named and "@" not in parts.netloc else ""


def snapped_to(name: str | None) -> str:
    """Return the words of a snapped point as the files spell them, "" where it has none.

    >>> snapped_to("On or near Sports/recreation Area")
    'Sports/Recreation Area'
    """
    words = re.sub(r"(?i)^on or near\s*", "", tidy(name))
    words = re.sub(r"'S\b", "'s", words)  # the files capitalise every word, and what follows a mark
    return re.sub(r"/([a-z])", lambda m: "/" + m[1].upper(), words)
