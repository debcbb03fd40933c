"""Nomis: residents and households of the census by output area, jobs and mid-year estimates by LSOA.

It cuts an answer at 25,000 rows without a word, and to a question that it does not understand it answers with the
status 200 and nothing, or everything. So an answer counts only if it is about the areas asked for, each once.
"""

from __future__ import annotations

import csv
import functools
import io
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from crimenb.errors import SourceError, SourceUnavailable
from crimenb.sources import people_files
from crimenb.sources.people_files import CENSUS, CUT, ESTIMATE, HOUSEHOLDS, JOBS, LSOA, OA, RESIDENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crimenb.sources.http import Answer, Web

SERVICE = "Nomis"
URL = "https://www.nomisweb.co.uk"
"""Where it is, unless CRIMENB_NOMIS_URL says otherwise."""

MOST_CODES = 100
"""Areas of one question: with more, its address is longer than a server need take."""

_DAY, _MONTH = 86_400.0, 30 * 86_400.0
_A_WHILE = 600.0
"""Pages that do not fit together are asked for again after so long."""

_TRIES = 3


class Table(NamedTuple):
    """A table of Nomis: its number, which cannot be told from its name, and what to ask of it."""

    measure: str
    unit: str
    id: str
    name: str
    """What it is called; the number alone may be that of another table."""
    wanted: Mapping[str, str]
    """The column and id of the total."""
    yearly: bool = False


TABLES = (
    Table(RESIDENTS, OA, "NM_2021_1", "TS001", {"c2021_restype_3": "0"}),
    Table(HOUSEHOLDS, OA, "NM_2059_1", "TS041", {}),
    Table(
        JOBS, LSOA, "NM_189_1", "Business Register and Employment Survey",
        {"industry": "37748736", "employment_status": "1", "measure": "1"}, yearly=True,
    ),
    Table(ESTIMATE, LSOA, "NM_2014_1", "Population estimates", {"gender": "0", "c_age": "200"}, yearly=True),
)  # fmt: skip

_TYPES = {OA: "TYPE150", LSOA: "TYPE151"}


class _Name(msgspec.Struct):
    value: str = ""


class _Family(msgspec.Struct):
    id: str = ""
    name: _Name = msgspec.field(default_factory=_Name)


class _Families(msgspec.Struct):
    keyfamily: list[_Family] = []


class _Structure(msgspec.Struct):
    keyfamilies: _Families | None = None


class _Definition(msgspec.Struct):
    structure: _Structure = msgspec.field(default_factory=_Structure)


class Nomis:
    """The service, asked through one client.

    Parameters
    ----------
    web
        The client.
    url
        Its address.
    """

    def __init__(self, web: Web, url: str = URL) -> None:
        self.web, self.url = web, url
        self._years: dict[str, str] = {}

    def ready(self, table: Table, code: str) -> None:
        """Make sure that a table is the one meant, and find its newest year.

        Parameters
        ----------
        table
            The table.
        code
            An area of its unit: small areas are published a year after districts.

        Raises
        ------
        SourceUnavailable
            The service did not answer, or has another table under the number.
        """
        if table.id in self._years:
            return
        url = f"{self.url}/api/v01/dataset/{table.id}/def.sdmx.json"
        answer = self._ask(url, _Definition, what=f"what {table.id} is", ttl=_MONTH)
        families = answer.value.structure.keyfamilies
        named = [f.name.value for f in families.keyfamily if f.id == table.id] if families else []
        if named and table.name.lower() not in named[0].lower():
            msg = f"{SERVICE} has {named[0][:80]!r} under {table.id}, where {table.name} was; no number of it is used."
            raise SourceUnavailable(msg, url, 200, 1)
        year = CENSUS
        if table.yearly:
            newest = self._csv(table, [code], {"date": "latest,latestMINUS1"}, release="", ttl=_DAY)
            found = [r["date"] for r in _rows(newest.value, table) if r["obs_value"]]
            year = max(found, default="")
            if not year:
                msg = f"{SERVICE} has no number of {code} in {table.name} of the last two years."
                raise SourceUnavailable(msg, url, 200, 1)
        self._years[table.id] = year

    def text(self, table: Table, codes: Sequence[str]) -> tuple[str, tuple[str, str]]:
        """Return a table's numbers of at most a hundred areas as CSV, and what was asked with its SHA-256.

        `ready` comes first. An answer is kept for good under the year that it is of.

        Raises
        ------
        SourceUnavailable
            The service did not answer, or not about these areas.
        """
        year = self._years[table.id]
        params = {"date": year if table.yearly else "latest"}
        answer = self._csv(table, codes, params, release=f"{table.id} of {year}", ttl=None)
        asked = f"nomis/{table.id}?date={year}&geography={codes[0]}...{codes[-1]} ({len(codes)})"
        return answer.value, (asked, answer.sha256)

    def whole(self, table: Table, progress: Callable[[str, int, int], None]) -> str:
        """Return a table of all areas of its unit as CSV, as many rows as the service counts.

        Raises
        ------
        SourceUnavailable
            The service did not answer, or not about every area once.
        """
        year, promised = self._years[table.id], 1
        rows: list[list[str]] = []
        header: list[str] = []
        while len(rows) < promised:
            page = {"date": year if table.yearly else "latest", "geography": _TYPES[table.unit]}
            page |= {"RecordLimit": str(CUT), "RecordOffset": str(len(rows))}
            check = functools.partial(_check_page, table=table, at=len(rows))
            text = self._text(table, page, f"{table.id} of {year}", _A_WHILE, check).value
            header, *found = [r for r in csv.reader(io.StringIO(text)) if r]
            rows += found
            promised = _counted(text)
            progress(table.name, len(rows), promised)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        try:
            people_files.numbers_of(out.getvalue(), table.name)
        except SourceError as error:
            msg = f"{SERVICE} gave {table.name} otherwise than it counts it ({error}); try again later."
            raise SourceUnavailable(msg, self.url, 200, 1) from error
        return out.getvalue()

    def newest(self, table: Table) -> str:
        """Return the year of a table's numbers, which `ready` has found."""
        return self._years[table.id]

    # ---------------------------------------------------------------- asking

    def _ask(self, url: str, shape: type, *, what: str, ttl: float) -> Answer[_Definition]:
        return self.web.ask(url, shape, what=what, service=SERVICE, ttl=ttl, tries=_TRIES)

    def _csv(
        self,
        table: Table,
        codes: Sequence[str],
        params: Mapping[str, str],
        *,
        release: str,
        ttl: float | None,
    ) -> Answer[str]:
        years = 2 if "," in params["date"] else 1
        check = functools.partial(_check, table=table, codes=codes, years=years)
        return self._text(table, {**params, "geography": ",".join(codes)}, release, ttl, check)

    def _text(
        self,
        table: Table,
        params: Mapping[str, str],
        release: str,
        ttl: float | None,
        check: Callable[[str], None],
    ) -> Answer[str]:
        columns = ["date", "geography_code", *table.wanted, "obs_value", "obs_status", "record_count"]
        asked = {**params, **table.wanted, "measures": "20100", "select": ",".join(columns)}
        return self.web.ask(
            f"{self.url}/api/v01/dataset/{table.id}.data.csv", str, params=asked,
            what=f"{table.name} ({table.id})", service=SERVICE, release=release, ttl=ttl, tries=_TRIES, check=check,
        )  # fmt: skip


def _rows(text: str, table: Table) -> list[dict[str, str]]:
    """Return the rows of an answer by their columns in small letters; raise ValueError where it is none."""
    rows = [r for r in csv.reader(io.StringIO(text)) if r]
    if not rows:
        msg = "the answer is empty, as it is to a question that the service does not understand"
        raise ValueError(msg)
    header = [c.lower() for c in rows[0]]
    needed = {"geography_code", "obs_value", "record_count", *table.wanted}
    if lacks := sorted(needed - {*header}):
        msg = f"the answer has no column {lacks[0]!r}"
        raise ValueError(msg)
    if any(len(r) != len(header) for r in rows):
        msg = "a row of the answer is cut off"
        raise ValueError(msg)
    found = [dict(zip(header, r, strict=True)) for r in rows[1:]]
    for column, number in table.wanted.items():
        if any(r[column] != number for r in found):
            msg = f"the answer holds more than {column}={number}, which was asked for"
            raise ValueError(msg)
    return found


def _check(text: str, *, table: Table, codes: Sequence[str], years: int) -> None:
    """Raise ValueError unless an answer is about the areas asked for, each once a year, and whole."""
    found = _rows(text, table)
    if not found:
        msg = f"it gives no row for {codes[0]} and {len(codes) - 1} more areas"
        raise ValueError(msg)
    if _counted(text) != len(found):
        msg = f"it gives {len(found):,} rows of {_counted(text):,}"
        raise ValueError(msg)
    given = Counter(r["geography_code"] for r in found)
    if {*given} != {*codes} or max(given.values()) > years:
        msg = f"it gives {len(found):,} rows of {len(given):,} areas where {len(codes):,} were asked for"
        raise ValueError(msg)


def _check_page(text: str, *, table: Table, at: int) -> None:
    if not _rows(text, table):
        msg = f"it gives no row after the first {at:,}"
        raise ValueError(msg)


def _counted(text: str) -> int:
    """Return how many rows an answer says that there are."""
    rows = csv.reader(io.StringIO(text))
    at = [c.lower() for c in next(rows)].index("record_count")
    number = next(rows, [""] * (at + 1))[at]
    if not number.isdigit():
        msg = "it does not say how many rows there are"
        raise ValueError(msg)
    return int(number)
