"""The shapes of the services' answers, and their texts made plain.

An answer is read with `read`, which names the field that does not fit. Only the fields used
here are described; the services add others without notice.
"""

from __future__ import annotations

import html
import math
import re
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import nh3

from crimenb.tables import CATEGORIES

T = TypeVar("T")

LONGEST = {"label": 200, "text": 10_000}
"""Characters kept of a name or a description: a damaged or hostile one may have millions."""

_BOM = b"\xef\xbb\xbf"
# Control, format and other invisible characters that turn or hide text, but not line ends.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_BLOCK_END = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)


class Strict(msgspec.Struct, kw_only=True):
    """Base of the shapes; fields not named are passed over."""


class Street(Strict):
    """A snapped point's number and words."""

    id: int | None = None
    name: str | None = ""


class Located(Strict):
    """A position; police.uk writes coordinates as text, blank or 0 where there is none."""

    latitude: str | float | None = None
    longitude: str | float | None = None

    def __post_init__(self) -> None:
        for name, value, bound in (("latitude", self.latitude, 90), ("longitude", self.longitude, 180)):
            number = coordinate(value)
            if value not in ("", None) and not (math.isfinite(number) and abs(number) <= bound):
                msg = f"Expected `{name}` in degrees, got {str(value)[:40]!r}"
                raise ValueError(msg)


class Location(Located):
    """Where a record was snapped to."""

    street: Street | None = None


class Outcome(Strict):
    """The latest outcome of a crime."""

    category: str | None = ""


class Crime(Strict):
    """One record of the street-level answer."""

    category: str
    month: str
    id: int | None = None
    location: Location | None = None
    location_type: str | None = None
    outcome_status: Outcome | None = None
    persistent_id: str | None = ""

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            msg = f"Expected a known `category`, got {self.category[:40]!r}"
            raise ValueError(msg)


class Published(Strict):
    """One month on offer."""

    date: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])(-\d\d)?", self.date):
            msg = f"Expected `date` as YYYY-MM, got {self.date[:40]!r}"
            raise ValueError(msg)


class Beat(Strict):
    """The force and neighbourhood of a point."""

    force: str
    neighbourhood: str


class Force(Strict):
    """A police force."""

    name: str | None = ""
    url: str | None = ""


class Link(Strict):
    """A link that a neighbourhood team offers."""

    url: str | None = ""
    title: str | None = ""


class Station(Strict):
    """A place where the team can be met."""

    name: str | None = ""
    address: str | None = ""
    postcode: str | None = ""


Contact = dict[str, str | None]


class Team(Strict):
    """A neighbourhood and its policing team."""

    id: str
    name: str
    description: str | None = ""
    url_force: str | None = ""
    contact_details: Contact = {}
    links: list[Link] = []
    locations: list[Station] = []


class Officer(Strict):
    """A member of the team."""

    name: str | None = ""
    rank: str | None = ""
    bio: str | None = ""
    contact_details: Contact = {}


class Priority(Strict, rename={"issue_date": "issue-date", "action_date": "action-date"}):
    """A priority and what was done about it."""

    issue: str | None = ""
    issue_date: str | None = ""
    action: str | None = ""
    action_date: str | None = ""


class Event(Strict):
    """A meeting."""

    title: str | None = ""
    type: str | None = ""
    description: str | None = ""
    address: str | None = ""
    start_date: str | None = ""
    contact_details: Contact = {}


class Terminated(Strict):
    """A postcode that is no longer in use, and its last position."""

    postcode: str
    year_terminated: int
    month_terminated: int
    longitude: float | None = None
    latitude: float | None = None


class Postcode(Strict):
    """A postcode's position and areas."""

    postcode: str
    quality: int | None = None
    country: str | None = ""
    longitude: float | None = None
    latitude: float | None = None
    admin_district: str | None = ""
    admin_ward: str | None = ""
    codes: dict[str, str | None] = {}


class LookUp(Strict):
    """The answer about one postcode; an error is repeated in the body."""

    status: int
    result: Postcode | None = None
    error: str = ""
    terminated: Terminated | None = None


class ClosedLookUp(Strict):
    """The answer about one terminated postcode."""

    status: int
    result: Terminated | None = None
    error: str = ""


class Queried(Strict):
    """One of the answers about many postcodes; null for an unknown one."""

    query: str
    result: Postcode | None = None


class BulkLookUp(Strict):
    """The answer about many postcodes."""

    status: int
    result: list[Queried]


def read(body: bytes, shape: type[T]) -> T:
    """Return the body of an answer as `shape`; a byte-order mark is passed over.

    Raises:
        ValueError: No JSON, or not of this shape; the message says what, and names the field.

    >>> read(b'[{"date": "2025-12"}]', list[Published])
    [Published(date='2025-12')]
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        msg = "the answer is empty"
        raise ValueError(msg)
    if body.lstrip()[:1] == b"<":
        msg = "the answer is a web page, not data"
        raise ValueError(msg)
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = str(error).replace("`", "'")
        raise ValueError(msg.replace("Expected", "expected", 1).replace("Input", "input", 1)) from error


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
