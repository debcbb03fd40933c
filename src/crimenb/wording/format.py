"""Numbers, months, places and lists as running text writes them (British English)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.plurals import counted as counted  # noqa: PLC0414  handed on to who writes for the page
from crimenb.query import days_in, month_before
from crimenb.schema import force_name, label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crimenb.measures.place import Place

YEAR = 12

LEAST_SHARE = 50
"""Below this many records no share of them is printed (R21)."""

MOST_RUNS = 4
"""Months with more gaps than this leaves are counted, not named."""

_MONTHS = "January February March April May June July August September October November December".split()
_SMALL = "None One Two Three Four Five Six Seven Eight Nine".split()


# ---------------------------------------------------------------------------- numbers, lists


def opening(count: int) -> str:
    """Write a number that opens a sentence: in words below ten.

    >>> opening(8), opening(1317)
    ('Eight', '1,317')
    """
    return _SMALL[count] if count < len(_SMALL) else f"{count:,}"


def plural(n: int, one: str, many: str) -> str:
    """Return the word that goes with a number: plural(2, "was", "were") is "were"."""
    return one if n == 1 else many


def listing(parts: Sequence[str]) -> str:
    """Join with commas and a last "and".

    >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *rest, last = parts or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def capital(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """Write a share as a whole percentage: "42%"; what rounds to none is "less than 1%"."""
    return "less than 1%" if 0 < share < 0.005 else f"{share:.0%}"


def percent_of(share: float, of: int) -> str:
    """Write a share (0-1) of `of` records: tenths of a per cent where there are enough.

    >>> percent_of(0.0304, 16583), percent_of(0.156, 200)
    ('3.0%', '16%')
    """
    return f"{share:.1%}" if of >= 1000 and share < 0.1 else percent(share)


def per_day(rate: float) -> str:
    """Write a daily rate: "about 42 a day", "about 4.2 a day", "less than 1 a day"."""
    if rate < 0.95:
        return "less than 1 a day"
    return f"about {rate:,.0f} a day" if rate >= 9.5 else f"about {rate:.1f} a day"


# ------------------------------------------------------------------------------- categories


def category(slug: str) -> str:
    """Write a category in running text: "violence and sexual offences"."""
    return label_of(slug).lower()


def with_counts(counts: Iterable[tuple[str, int]]) -> str:
    """List categories with their counts: "drugs (12) and burglary (9)"."""
    return listing([f"{category(slug)} ({n:,})" for slug, n in counts])


# ------------------------------------------------------------------------------------ forces


def forces_named(forces: Iterable[str]) -> str:
    """Write the names of forces: "Leicestershire", "Avon and Somerset and Wiltshire"."""
    return listing([force_name(f) for f in forces])


def rest_of(forces: Iterable[str]) -> str:
    """Write "the rest of Leicestershire" for police.uk's force ids."""
    return f"the rest of {forces_named(forces)}"


# ------------------------------------------------------------------------------------ months


def month(text: str) -> str:
    """Write a month: "December 2025" for "2025-12"."""
    return f"{_MONTHS[int(text[5:]) - 1]} {text[:4]}"


def month_alone(text: str) -> str:
    """Write a month without its year: "December"."""
    return _MONTHS[int(text[5:]) - 1]


def day(time: str) -> str:
    """Write the day of an ISO time: "10 November 2025"; anything else is returned as it is.

    >>> day("2025-11-10T18:30:00"), day("soon"), day("2025-99-10")
    ('10 November 2025', 'soon', '2025-99-10')
    """
    text = time[:10]
    year, _, rest = text.partition("-")
    number, _, date = rest.partition("-")
    if not (year.isdigit() and number.isdigit() and date.isdigit() and 1 <= int(number) <= 12):
        return time
    return f"{int(date)} {month(text[:7])}"


def period(start: str, end: str) -> str:
    """Write a range of months: "January to December 2025"."""
    if start == end:
        return month(start)
    return f"{month(start) if start[:4] != end[:4] else month_alone(start)} to {month(end)}"


def runs(listed: Iterable[str]) -> list[list[str]]:
    """Return months in rows without a gap, oldest first."""
    rows: list[list[str]] = []
    for text in sorted(listed):
        if rows and text == month_before(rows[-1][-1], -1):
            rows[-1].append(text)
        else:
            rows.append([text])
    return rows


def span(listed: Sequence[str]) -> str:
    """Write the months a figure counts: by their ends, by their runs, or how many between which.

    >>> span(["2025-01", "2025-02", "2025-03"]), span(["2025-01", "2025-02", "2025-12"])
    ('January to March 2025', 'January, February and December 2025')
    >>> span(["2025-01", "2025-03", "2025-05", "2025-07", "2025-09"])
    '5 of the months January to September 2025'
    """
    rows = runs(listed)
    if len(rows) == 1:
        return period(rows[0][0], rows[0][-1])
    if len(rows) <= MOST_RUNS:
        return months(listed)
    return f"{len(listed)} of the months {period(rows[0][0], rows[-1][-1])}"


def counted_months(listed: Sequence[str]) -> str:
    """Write the months of a figure briefly: "2025", "May 2021 to April 2024", "the 6 months counted"."""
    if len(runs(listed)) > 1:
        return f"the {len(listed)} months counted"
    return listed[0][:4] if len(listed) == YEAR and listed[0][5:] == "01" else period(listed[0], listed[-1])


def in_period(listed: Sequence[str]) -> str:
    """Write when, for the months summed: "in 2025", "in the 12 months to June 2025", "in March 2025"."""
    named = counted_months(listed)
    if len(listed) >= YEAR and len(runs(listed)) == 1 and named != listed[0][:4]:
        return f"in the {len(listed)} months to {month(listed[-1])}"
    return f"in {named}"


def months(listed: Sequence[str]) -> str:
    """Write months as runs, each year once: "May to August, October and November 2025".

    >>> months(["2024-08", "2024-10", "2025-08"])
    'August and October 2024, and August 2025'
    """
    # A run of two is two months, not "October to November".
    pieces = [p for r in runs(listed) for p in ([[m] for m in r] if len(r) == 2 else [r])]
    by_year: list[list[str]] = [[]]
    for i, piece in enumerate(pieces):
        again = i + 1 < len(pieces) and pieces[i + 1][-1][:4] == piece[0][:4]
        by_year[-1].append(months_alone(piece) if again else period(piece[0], piece[-1]))
        if not again and i + 1 < len(pieces):
            by_year.append([])
    years = [listing(year) for year in by_year]
    if len(years) > 1 and max(map(len, by_year)) > 1:
        return f"{', '.join(years[:-1])}, and {years[-1]}"  # a year has an "and" of its own
    return listing(years)


def months_alone(listed: Sequence[str]) -> str:
    """Write a run of months without the year: "October to December", "March"."""
    first, last = month_alone(listed[0]), month_alone(listed[-1])
    return first if len(listed) == 1 else f"{first} to {last}"


# ----------------------------------------------------------------------------------- places


def this_place(place: Place) -> str:
    """Write "this mile" or "this area"."""
    return "this mile" if place.is_circle else "this area"


def place_name(place: Place) -> str:
    """Write what was asked for: "the mile around LE1 6RN", or a custom area's name."""
    return f"the mile around {place.key}" if place.is_circle else place.key


def where(place: Place) -> str:
    """Write the place that the totals speak of, naming the part where it is only one."""
    if place.scope.kind != "part":
        return place_name(place)
    if not place.scope.absent:  # rows of the files were lost
        return f"{place_name(place)} (part of the records)"
    return f"{part_of(place)} of {place_name(place)}"


def where_in_full(place: Place) -> str:
    """Write the place as it is named first: of a part also what its share says of the rest."""
    if place.scope.kind != "part" or not place.scope.absent:
        return where(place)
    rest = f"({_of_area(place)} of its area; the rest cannot be estimated from it)"
    return f"{part_name(place)} of {place_name(place)} {rest}"


def part_of(place: Place) -> str:
    """Write "the City of London part (42%)"; of rows that were lost only that they were."""
    return f"{part_name(place)} ({_of_area(place)})" if place.scope.absent else "part of the records"


def part_name(place: Place) -> str:
    """Write "the City of London part"."""
    return (
        f"the {forces_named(place.scope.forces)} part"
        if place.scope.absent
        else "the rows that could be read"
    )


def _of_area(place: Place) -> str:
    return f"{'' if place.shares_are_exact else 'about '}{percent(place.scope.share)}"


def daily(place: Place, series: str) -> str:
    """Write the newest month's count a day."""
    return per_day(place.latest(series) / days_in(place.scope.latest))
