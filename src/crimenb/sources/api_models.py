"""What police.uk, postcodes.io and ONS Open Geography answer; anything else is refused with the field's name."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TypeVar

import msgspec

from crimenb.sources.clean_text import coordinate, tidy

T = TypeVar("T")


_BOM = b"\xef\xbb\xbf"


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
        """Refuse coordinates that are not degrees."""
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
    """One record of the street-level answer.

    The list of categories has changed twice and may again, so a new one is taken as it is.
    """

    category: str
    month: str
    id: int | None = None
    location: Location | None = None
    location_type: str | None = None
    outcome_status: Outcome | None = None
    persistent_id: str | None = ""

    def __post_init__(self) -> None:
        """Refuse a record that names no category."""
        self.category = tidy(self.category)
        if not self.category:
            msg = "Expected a `category`, got none"
            raise ValueError(msg)


class Search(Strict):
    """A search by the police."""

    type: str
    datetime: str
    location: Location | None = None
    operation: bool | None = None
    gender: str | None = ""
    age_range: str | None = ""
    self_defined_ethnicity: str | None = ""
    officer_defined_ethnicity: str | None = ""
    legislation: str | None = ""
    object_of_search: str | None = ""
    outcome: str | bool | None = ""
    outcome_linked_to_object_of_search: bool | None = None
    removal_of_more_than_outer_clothing: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        try:
            dt.datetime.fromisoformat(self.datetime)
        except ValueError:
            msg = f"Expected `datetime` as ISO 8601, got {self.datetime[:40]!r}"
            raise ValueError(msg) from None


class Published(Strict, rename={"searches": "stop-and-search"}):
    """One month on offer, and the forces that supplied their searches of it."""

    date: str
    searches: list[str] | None = None

    def __post_init__(self) -> None:
        """Refuse what is not a month."""
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


class Neighbourhood(Strict):
    """A neighbourhood in the list of its force."""

    id: str
    name: str | None = ""


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
    parish: str | None = ""
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


class Fault(Strict):
    """What ONS Open Geography says of an error, with the status 200."""

    code: int = 0
    message: str | None = ""


class Answered(Strict):
    """Base of its answers."""

    error: Fault | None = None


class Offered(Strict):
    """One of its services."""

    name: str
    type: str = ""


class Services(Answered):
    """The services on offer."""

    services: list[Offered] = []


class Column(Strict):
    """A column of a service."""

    name: str


class Layer(Answered):
    """What a service holds."""

    fields: list[Column] = []


class Feature(Strict):
    """An area: its columns, and its shape as GeoJSON."""

    properties: dict[str, str | int | float | None] = {}
    geometry: msgspec.Raw = msgspec.Raw(b"null")


class Features(Answered):
    """Areas, or how many there are."""

    features: list[Feature] = []
    count: int = 0


def read(body: bytes, shape: type[T]) -> T:
    """Return the body of an answer as `shape`; a byte-order mark is passed over.

    Raises
    ------
    ValueError
        No JSON, or not of this shape; the message says what, and names the field.

    >>> read(b'[{"date": "2025-12"}]', list[Published])
    [Published(date='2025-12', searches=None)]
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
    except RecursionError as error:
        msg = "the answer is nested deeper than any that can be read"
        raise ValueError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = str(error).replace("`", "'")
        raise ValueError(msg.replace("Expected", "expected", 1).replace("Input", "input", 1)) from error
