"""What is asked: a place or several, and a range of months, parsed and checked once."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from crimenb.errors import MonthNotPublished, QueryError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MONTHS_BY_DEFAULT = 24
"""Without months asked for: two years, the least in which season and trend part (R9)."""

MOST_COMPARED = 5

# The 124 postcode areas of the Royal Mail; ZZ is nobody's and marks demonstration places.
_AREAS = frozenset(
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT "
    "DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L "
    "LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S "
    "SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN "
    "WR WS WV YO ZE ZZ".split()
)


def postcode_areas() -> frozenset[str]:
    """Return the letters that postcodes begin with."""
    return _AREAS


_POSTCODE = re.compile(r"([A-Z]{1,2})([0-9][0-9A-Z]?)([0-9][ABD-HJLNP-UW-Z]{2})")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
FIRST_MONTH = "2010-12"
"""The first month police.uk ever published."""


def parse_postcode(text: str) -> str:
    """Return a full UK postcode in its written form, "LE1 6RN" for "le16rn".

    Raises
    ------
    QueryError
        The text has not the shape of a full postcode, or names no postcode area.
    """
    compact = re.sub(r"\s+", "", str(text)).upper()
    if compact == "GIR0AA":
        return "GIR 0AA"
    match = _POSTCODE.fullmatch(compact)
    if match is None or match[1] not in _AREAS:
        shown = str(text).strip()[:40]
        msg = f"{shown!r} is not a full UK postcode; write one like 'LE1 6RN'."
        raise QueryError(msg)
    return f"{match[1]}{match[2]} {match[3]}"


def parse_month(text: str) -> str:
    """Return the month "YYYY-MM" after checking it.

    Raises
    ------
    QueryError
        Not a month, before the first month police.uk published, or not yet over.
    """
    month = str(text).strip()
    if not _MONTH.fullmatch(month):
        msg = f"{month[:40]!r} is not a month; write YYYY-MM, for example '2025-12', or 'latest'."
        raise QueryError(msg)
    if month < FIRST_MONTH:
        msg = f"Month {month!r} is before police.uk's first month; start at {FIRST_MONTH} or later."
        raise QueryError(msg)
    if month >= f"{dt.datetime.now(dt.UTC):%Y-%m}":
        msg = f"Month {month!r} is not over yet; police.uk publishes a month some two months later."
        raise QueryError(msg)
    return month


def months_between(start: str, end: str) -> list[str]:
    """Return every month from `start` to `end`, both included, oldest first."""
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (start, end))
    return [f"{i // 12:04d}-{i % 12 + 1:02d}" for i in range(first, last + 1)]


def month_before(month: str, by: int = 1) -> str:
    """Return the month `by` months before `month` ("2025-01" gives "2024-12")."""
    i = int(month[:4]) * 12 + int(month[5:]) - 1 - by
    return f"{i // 12:04d}-{i % 12 + 1:02d}"


def days_in(month: str) -> int:
    """Return the number of days in the month."""
    year, number = int(month[:4]), int(month[5:])
    following = dt.date(year + number // 12, number % 12 + 1, 1)
    return (following - dt.date(year, number, 1)).days


class Area(NamedTuple):
    """A custom area: its name and one polygon or multipolygon in EPSG:4326."""

    name: str
    geometry: BaseGeometry


@dataclass(frozen=True)
class Query:
    """One question: the crimes around a postcode (or in an area) over a range of months.

    Made only by `Query.parse`. `start` and `end` are "YYYY-MM", or empty until `within` has
    settled them on the months that a source holds.

    >>> Query.parse("le16rn", "2025-01", "2025-12").slug
    'le1-6rn_2025-01_2025-12'
    """

    postcode: str
    start: str = ""
    end: str = ""
    compare_with: tuple[str, ...] = ()
    area: Area | None = None

    @classmethod
    def parse(
        cls,
        postcode: str = "",
        start: str = "",
        end: str = "",
        compare_with: str | Iterable[str] = (),
        *,
        area: Area | None = None,
    ) -> Query:
        """Check everything that can be checked without a source.

        Parameters
        ----------
        postcode
            A full UK postcode in any spelling; left out when `area` is given.
        start, end
            Months "YYYY-MM" or "latest"; empty for the latest 24 of the source.
        compare_with
            Up to five further postcodes, a list or one text with commas.
        area
            A custom area from `read_area`, instead of a postcode.

        Raises
        ------
        QueryError
            Not a postcode, not a month, or the start is after the end.
        """
        if (area is None) == (not postcode.strip()):
            msg = "Give one postcode (for example 'LE1 6RN') or one area, and not both: leave one empty."
            raise QueryError(msg)
        names = compare_with.split(",") if isinstance(compare_with, str) else list(compare_with)
        others = tuple(dict.fromkeys(parse_postcode(n) for n in names if n.strip()))
        key = area.name if area is not None else parse_postcode(postcode)
        others = tuple(p for p in others if p != key)
        if len(others) > MOST_COMPARED:
            msg = f"{len(others)} postcodes to compare with are too many; give at most {MOST_COMPARED}."
            raise QueryError(msg)
        first, last = (m if m in ("", "latest") else parse_month(m) for m in (start.strip(), end.strip()))
        if first not in ("", "latest") and last not in ("", "latest") and first > last:
            msg = f"The start {first!r} is after the end {last!r}; swap them."
            raise QueryError(msg)
        return cls(key, first, last, others, area)

    def within(self, held: Sequence[str]) -> Query:
        """Settle empty and "latest" months on those a source holds (oldest first).

        Raises
        ------
        MonthNotPublished
            None of the months asked for is held.
        """
        if not held:
            msg = "The source holds no month at all; build the archive from street files first."
            raise MonthNotPublished(msg)
        newest = held[-1]
        end = newest if self.end in ("", "latest") else self.end
        start = newest if self.start == "latest" else self.start
        start = start or max(month_before(end, MONTHS_BY_DEFAULT - 1), min(held[0], end))
        if start > end:
            msg = f"The start {start!r} is after the newest month held, {newest}; choose an earlier one."
            raise MonthNotPublished(msg)
        if not set(months_between(start, end)) & set(held):
            asked = start if start == end else f"{start} to {end}"
            msg = f"Nothing of {asked!r} is held here; choose months from {held[0]} to {newest}."
            raise MonthNotPublished(msg)
        return replace(self, start=start, end=end)

    @property
    def settled(self) -> bool:
        """Whether both months are spelt out."""
        return "" not in (self.start, self.end) and "latest" not in (self.start, self.end)

    @property
    def months(self) -> list[str]:
        """Every month asked for, oldest first; only once settled."""
        return months_between(self.start, self.end)

    @property
    def postcodes(self) -> list[str]:
        """The place itself first, then those it is compared with."""
        return [self.postcode, *self.compare_with]

    @property
    def slug(self) -> str:
        """Name of the report's folder; a short hash stands for what the words leave out."""
        name = re.sub(r"[^a-z0-9]+", "-", self.postcode.lower()).strip("-") or "area"
        words = f"{name[:60]}_{self.start}_{self.end}"
        rest = [*self.compare_with]
        if self.area is not None:
            rest.append(f"{self.area.name}\n{self.area.geometry.wkt}")
        if not rest:
            return words
        return f"{words}_{hashlib.sha256(chr(10).join(rest).encode()).hexdigest()[:8]}"
