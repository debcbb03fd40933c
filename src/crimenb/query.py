"""What is asked: a place or several, and a range of months, parsed and checked once."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from crimenb.errors import MonthNotPublished, QueryError

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

Month: TypeAlias = "str | dt.date | pd.Period"
"""What may be given for a month: a text, a date (a pandas Timestamp is one), a pandas Period."""

MONTHS_BY_DEFAULT = 24
"""Without months asked for: two years, the least in which season and trend part (R9)."""

MOST_COMPARED = 5

# The postcode areas of the Royal Mail. BF (the forces overseas) and BX (banks, tax offices) are real,
# but without a place; ZZ is nobody's and marks demonstration places.
_AREAS = frozenset(
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT "
    "DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L "
    "LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S "
    "SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN "
    "WR WS WV YO ZE ZZ".split()
)


def postcode_areas() -> frozenset[str]:
    """Return the letters that postcodes begin with."""
    return _AREAS


_POSTCODE = re.compile(r"([A-Z]{1,2})([0-9][0-9A-HJKMNP-Y]?)([0-9][ABD-HJLNP-UW-Z]{2})")
_BETWEEN = re.compile(r"[,;|]|(?<=[0-9][A-Za-z]{2})\s+(?=[A-Za-z])")
"""What stands between two postcodes: a mark, or the space after a whole one."""

_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
_AROUND = "=\"'`“”‘’()[]{}<>.,;:-*•"
"""What spreadsheets and sentences put around a postcode, and what no postcode has."""

_LETTERS_FOR_DIGITS = str.maketrans("OQILSZ", "001152")
_DIGITS_FOR_LETTERS = str.maketrans("015", "OIS")

FIRST_MONTH = "2010-12"
"""The first month police.uk ever published."""


def parse_postcode(text: str) -> str:
    """Return a full UK postcode in its written form, "LE1 6RN" for "le16rn".

    What stands around it (brackets, quotation marks, dots, what is invisible) is passed over,
    and so is a hyphen for the space. Nothing else is guessed.

    Raises
    ------
    QueryError
        The text has not the shape of a full postcode, or names no postcode area.
    """
    found = _postcode(str(text))
    if not found:
        shown = str(text).strip()[:40]
        msg = f"{shown!r} is not a full UK postcode; {_postcode_hint(str(text)[:200])}"
        raise QueryError(msg)
    return found


def _postcode(text: str) -> str:
    """Return the written form, or "" where the text is no postcode."""
    plain = _INVISIBLE.sub(" ", text).strip().strip(_AROUND).strip().upper()
    compact = re.sub(r"[ ]+|(?<=[0-9A-Z])[-‐-―](?=[0-9][A-Z]{2}$)", "", plain)
    if compact == "GIR0AA":
        return "GIR 0AA"
    match = _POSTCODE.fullmatch(compact)
    return f"{match[1]}{match[2]} {match[3]}" if match and match[1] in _AREAS else ""


def _postcode_hint(text: str) -> str:
    """Say what was most likely meant, where there is one such thing."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    if meant := next(filter(None, map(_postcode, _respelt(plain))), ""):
        return f"did you mean {meant!r}?"
    words = _INVISIBLE.sub(" ", text).split()
    whole = {_postcode(" ".join(words[i : i + n])) for i in range(len(words)) for n in (1, 2)} - {""}
    if len(whole) == 1:
        return f"did you mean {whole.pop()!r}?"
    if len(words) == 2 and re.fullmatch("[0-9]", words[1]):
        return "that is a sector of many; write one whole postcode, like 'LE1 6RN'."
    half = re.fullmatch(r"([A-Z]{1,2})[0-9][0-9A-Z]?", plain)
    if half and half[1] in _AREAS:
        return "that is the first half of one; write it all, like 'LE1 6RN'."
    return "write one like 'LE1 6RN'."


def _respelt(plain: str) -> Iterator[str]:
    """Yield the text with letters where a postcode has letters, and digits where it has digits."""
    area_and_district, sector, unit = plain[:-3], plain[-3:-2], plain[-2:]
    for letters in (2, 1):
        area, district = area_and_district[:letters], area_and_district[letters:]
        yield "".join(
            [
                area.translate(_DIGITS_FOR_LETTERS), district.translate(_LETTERS_FOR_DIGITS),
                sector.translate(_LETTERS_FOR_DIGITS), unit.translate(_DIGITS_FOR_LETTERS),
            ]
        )  # fmt: skip


_NAMES = "january february march april may june july august september october november december".split()
_YEAR = r"(?P<year>[12]\d{3})"
_NAME = "(?P<name>[a-z]{3,9})"
_NUMBER = r"(?P<number>0?[1-9]|1[0-2])"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[t ][\d:.]+z?)?"
_MONTH_FORMS = [
    re.compile(form)
    for form in (
        rf"{_YEAR}([-/.]){_NUMBER}(?:\2{_DAY}{_CLOCK})?",  # 2025-01, 2025/1, 2025-01-15 00:00:00
        rf"{_NUMBER}[-/.]{_YEAR}",  # 01/2025
        rf"{_NAME}[-/., ]*{_YEAR}",  # January 2025
        rf"{_YEAR}[-/. ]*{_NAME}",  # 2025 Jan
        rf"{_NAME}[-/' ](?P<short>[1-9]\d)",  # Jan-25, as Excel shows a month
        rf"{_DAY}(?:st|nd|rd|th)?[-/. ]+{_NAME}[-/., ]+{_YEAR}",  # 1 January 2025
        rf"{_NAME} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}",  # January 1, 2025
        rf"0?1([-/.]){_NUMBER}\1{_YEAR}{_CLOCK}",  # 01/10/2025, as Excel keeps a month
        rf"(?:1[3-9]|2\d|3[01])([-/.]){_NUMBER}\1{_YEAR}{_CLOCK}",  # 31/12/2025
        rf"{_NUMBER}([-/.])(?P=number)\2{_YEAR}{_CLOCK}",  # 12/12/2025
    )
]
_TWO_MONTHS = re.compile(rf"{_NUMBER}([-/.])(?P<other>0?[1-9]|1[0-2])\2{_YEAR}{_CLOCK}")


def parse_month(text: Month) -> str:
    """Return the month "YYYY-MM" of what people and spreadsheets write for it, after checking it.

    Read are "2025-01", "2025/1", "2025-01-15", "Jan 2025", "January 2025", "Jan-25", "Jan 25",
    "01/2025", "1 January 2025", and "01/10/2025" as the first of October. A date that may be of either of two
    months, such as "03/02/2025", is refused.

    Raises
    ------
    QueryError
        Not a month, before the first month police.uk published, or not yet over.
    """
    written = str(text).strip()
    month = _month(_INVISIBLE.sub(" ", written).strip(f" {_AROUND}").lower(), written[:40])
    shown = repr(month) if written == month else f"{month!r} (written {written[:40]!r})"
    if month < FIRST_MONTH:
        msg = f"Month {shown} is before police.uk's first month; start at {FIRST_MONTH} or later."
        raise QueryError(msg)
    if month >= f"{dt.datetime.now(dt.UTC):%Y-%m}":
        msg = f"Month {shown} is not over yet; police.uk publishes a month some two months later."
        raise QueryError(msg)
    return month


@functools.lru_cache(maxsize=1000)  # a list of a hundred thousand lines names few
def _month(plain: str, written: str) -> str:
    if match := next(filter(None, (form.fullmatch(plain) for form in _MONTH_FORMS)), None):
        parts = match.groupdict()
        known = (
            i for i, n in enumerate(_NAMES, 1) if parts.get("name") in (n, n[:3], n[:4] if i == 9 else n)
        )
        if number := int(parts.get("number") or next(known, 0)):
            return f"{parts.get('year') or '20' + parts['short']}-{number:02d}"
    if match := _TWO_MONTHS.fullmatch(plain):
        first, second, year = int(match["number"]), int(match["other"]), match["year"]
        msg = (
            f"{written!r} may be of two months; write {year}-{second:02d} if the day stands first, "
            f"or {year}-{first:02d} if the month does."
        )
        raise QueryError(msg)
    if re.fullmatch(r"4\d{4}(\.0)?", plain):
        day = dt.date(1899, 12, 30) + dt.timedelta(days=int(plain[:5]))
        msg = f"{written!r} is the number by which Excel keeps {day}; write {day:%Y-%m}."
        raise QueryError(msg)
    msg = f"{written!r} is not a month; write YYYY-MM, for example '2025-12', or 'latest'."
    raise QueryError(msg)


def months_between(start: str, end: str) -> list[str]:
    """Return every month from `start` to `end`, both included, oldest first."""
    return [*_between(start, end)]


@functools.lru_cache(maxsize=1000)
def _between(start: str, end: str) -> tuple[str, ...]:
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (start, end))
    return tuple(f"{i // 12:04d}-{i % 12 + 1:02d}" for i in range(first, last + 1))


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
    """A custom area: its name, one polygon or multipolygon in EPSG:4326, and which official outline it is, if any."""

    name: str
    geometry: BaseGeometry
    drawn: str = ""


@dataclass(frozen=True)
class Query:
    """One question: the crimes around a postcode (or in an area) over a range of months.

    `like` asks for places like it too, which only an archive has; `stops` for searches by the police.
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
    like: bool = False
    stops: bool = False

    @classmethod
    def parse(
        cls,
        postcode: str = "",
        start: Month = "",
        end: Month = "",
        compare_with: str | Iterable[str] = (),
        *,
        area: Area | None = None,
        like: bool = False,
        stops: bool = False,
    ) -> Query:
        """Check everything that can be checked without a source.

        Parameters
        ----------
        postcode
            A full UK postcode in any spelling; left out when `area` is given.
        start, end
            Months as `parse_month` reads them (texts, dates, pandas Timestamps and Periods), or
            "latest"; empty for the latest 24 of the source.
        compare_with
            Up to five further postcodes: a list, or texts with commas or spaces.
        area
            A custom area from `read_area`, instead of a postcode.
        like
            Compare with places like it too, which needs an archive.
        stops
            Show searches by the police (stop and search) too.

        Raises
        ------
        QueryError
            Not a postcode, not a month, or the start is after the end.
        """
        postcode = "" if postcode is None else str(postcode).strip()
        if area is not None and postcode:
            msg = f"Give the postcode {postcode[:40]!r} or the area {area.name!r}, and not both."
            raise QueryError(msg)
        if area is None and not postcode:
            msg = "Nothing was named to report on; give a postcode, for example 'LE1 6RN', or an area."
            raise QueryError(msg)
        texts = [compare_with] if isinstance(compare_with, str) else compare_with
        names = [name for text in texts for name in _BETWEEN.split(str(text))]
        others = tuple(dict.fromkeys(parse_postcode(n) for n in names if n.strip()))
        key = area.name if area is not None else parse_postcode(postcode)
        others = tuple(p for p in others if p != key)
        if len(others) > MOST_COMPARED:
            msg = f"{len(others)} postcodes to compare with are too many; give at most {MOST_COMPARED}."
            raise QueryError(msg)
        first, last = (
            plain
            if (plain := "" if m is None else str(m).strip().lower()) in ("", "latest")
            else parse_month(m)
            for m in (start, end)
        )
        if first not in ("", "latest") and last not in ("", "latest") and first > last:
            msg = f"The start {first!r} is after the end {last!r}; swap them."
            raise QueryError(msg)
        return cls(key, first, last, others, area, bool(like), bool(stops))

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
        """The place itself first, unless it is a custom area, then those it is compared with."""
        return [*([] if self.area is not None else [self.postcode]), *self.compare_with]

    @property
    def slug(self) -> str:
        """Name of the report's folder; a short hash stands for what the words leave out."""
        name = re.sub(r"[^a-z0-9]+", "-", self.postcode.lower()).strip("-") or "area"
        words = f"{name[:60]}_{self.start}_{self.end}"
        rest = [*self.compare_with, *(["like"] if self.like else []), *(["stops"] if self.stops else [])]
        if self.area is not None:
            rest.append(f"{self.area.name}\n{self.area.geometry.wkt}")
        if not rest:
            return words
        return f"{words}_{hashlib.sha256(chr(10).join(rest).encode()).hexdigest()[:8]}"
