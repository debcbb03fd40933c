"""Numbers, months, places and lists as running text writes them (British English)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures.counts import scope
from crimenb.query import month_before
from crimenb.schema import CATEGORIES, force_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crimenb.data import Data

_MONTHS = "January February March April May June July August September October November December".split()
_SMALL = "no one two three four five six seven eight nine".split()

EDGE_M = 100.0
"""Near the edge of a custom area: about the distance between two snapped points of a town."""


def month(text: str) -> str:
    """Write a month: "December 2025" for "2025-12"."""
    return f"{_MONTHS[int(text[5:]) - 1]} {text[:4]}"


def period(start: str, end: str) -> str:
    """Write a range of months: "January to December 2025"."""
    if start == end:
        return month(start)
    first = month(start) if start[:4] != end[:4] else _MONTHS[int(start[5:]) - 1]
    return f"{first} to {month(end)}"


def listing(parts: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def count(n: int) -> str:
    """Write a whole number: words below ten, commas above."""
    return _SMALL[n] if 0 <= n < len(_SMALL) else f"{n:,}"


def counted(n: int, one: str, many: str = "") -> str:
    """Write a number with its noun: "one crime", "1,317 crimes"."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Write a share as a whole percentage: "42%"."""
    return f"{share:.0%}"


def place_name(data: Data) -> str:
    """Write what was asked for: "the mile around LE1 6RN", or a custom area's name."""
    place = data.of().places.iloc[0]
    key = str(place["postcode"])
    return f"the mile around {key}" if place["kind"] == "circle" else key


def where(data: Data) -> str:
    """Write the place that the totals speak of, naming the part where it is only one."""
    if scope(data).kind != "part":
        return place_name(data)
    return f"{_part(data)} ({_of_area(data)}) of {place_name(data)}"


def where_in_full(data: Data) -> str:
    """Write the place as it is named first: of a part also what its share says of the rest."""
    if scope(data).kind != "part":
        return place_name(data)
    rest = f"({_of_area(data)} of its area; the rest cannot be estimated from it)"
    return f"{_part(data)} of {place_name(data)} {rest}"


def _part(data: Data) -> str:
    return f"the {listing([force_name(f) for f in scope(data).forces])} part"


def _of_area(data: Data) -> str:
    return f"{'' if is_exact(data) else 'about '}{percent(scope(data).share)}"


def is_exact(data: Data) -> bool:
    """Whether the shares of the forces come from the boundaries of their areas."""
    return str(data.of().coverage["method"].iloc[0]).startswith("by area")


def edge(data: Data) -> str:
    """Say of a custom area what its edge does to counts of snapped points."""
    near = data.of().nearby
    near = near[near["distance_m"].abs() <= EDGE_M]
    inside = int(near.loc[near["distance_m"] <= 0, "records"].sum())
    outside = int(near["records"].sum()) - inside
    return (
        f"{place_name(data)} is an area given by whoever asked. Records stand at snapped points, so "
        f"a crime near its edge may be counted on the other side: {counted(inside, 'record')} "
        f"{'lies' if inside == 1 else 'lie'} within {EDGE_M:.0f} metres inside the edge, "
        f"{count(outside)} within {EDGE_M:.0f} metres outside."
    )


def is_demo(data: Data) -> bool:
    """Whether the data are the invented town's."""
    return data.source.get("name") == "demo"


LEAST_PERCENT = 20
"""Below this count no percentage is printed: one record more or less would move it."""

MOST_RUNS = 4
"""Months with more gaps than this leaves are counted, not named."""

RANGE = "the range its {} lead one to expect"
"""A range is what other months allow, not the least and the most of them."""

_UNITS = (
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spelt(count: int) -> str:
    """Write a whole number below a hundred in words, a larger one in figures.

    >>> spelt(12), spelt(41), spelt(1317)
    ('twelve', 'forty-one', '1,317')
    """
    if count < len(_UNITS):
        return _UNITS[count]
    if count >= 100:
        return f"{count:,}"
    ten, one = divmod(count, 10)
    return _TENS[ten - 2] + (f"-{_UNITS[one]}" if one else "")


def capital(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]


def opening(count: int) -> str:
    """Write a number that opens a sentence: "Nineteen", "1,317"."""
    return capital(spelt(count))


def day(time: str) -> str:
    """Write the day of an ISO time: "10 November 2025".

    >>> day("2025-11-10T18:30:00")
    '10 November 2025'
    """
    text = time[:10]
    return f"{int(text[8:])} {month(text[:7])}" if len(text) == 10 and text[8:].isdigit() else time


def per_day(rate: float) -> str:
    """Write a daily rate: "about 42 a day", "about 4.2 a day", "less than one a day"."""
    if rate < 0.95:
        return "less than one a day"
    return f"about {rate:,.0f} a day" if rate >= 9.5 else f"about {rate:.1f} a day"


def category(slug: str) -> str:
    """Write a category in running text: "violence and sexual offences"."""
    return CATEGORIES[slug].lower()


def rest_of(forces: Iterable[str]) -> str:
    """Write "the rest of Leicestershire" for police.uk's force ids."""
    return f"the rest of {forces_named(forces)}"


def rest_of_area(forces: Sequence[str]) -> str:
    """Write "the rest of the Leicestershire police area", as it is named first."""
    return f"the rest of the {forces_named(forces)} police area{'' if len(forces) == 1 else 's'}"


def forces_named(forces: Iterable[str]) -> str:
    """Write the names of forces: "Leicestershire", "Avon and Somerset and Wiltshire"."""
    return listing([force_name(f) for f in forces])


def months_alone(months: Sequence[str]) -> str:
    """Write a run of months without the year: "October to December", "March"."""
    first, last = (month(m).split()[0] for m in (months[0], months[-1]))
    return first if len(months) == 1 else f"{first} to {last}"


def runs(listed: Sequence[str]) -> list[list[str]]:
    """Return months in rows without a gap, oldest first."""
    found: list[list[str]] = []
    for month in sorted(listed):
        if found and month == month_before(found[-1][-1], -1):
            found[-1].append(month)
        else:
            found.append([month])
    return found


def span(listed: Sequence[str]) -> str:
    """Write the months a figure counts: by their ends, by their runs, or how many between which.

    >>> span(["2025-01", "2025-02", "2025-03"]), span(["2025-01", "2025-02", "2025-12"])
    ('January to March 2025', 'January, February and December 2025')
    >>> span(["2025-01", "2025-03", "2025-05", "2025-07", "2025-09"])
    'five of the months January to September 2025'
    """
    rows = runs(listed)
    if len(rows) == 1:
        return period(rows[0][0], rows[0][-1])
    if len(rows) <= MOST_RUNS:
        return months(listed)
    return f"{spelt(len(listed))} of the months {period(rows[0][0], rows[-1][-1])}"


def months(listed: Sequence[str]) -> str:
    """Write months as runs, each year once: "May to August, October and November 2025".

    >>> months(["2024-08", "2024-10", "2025-08"])
    'August and October 2024, and August 2025'
    """
    # A run of two is two months, not "October to November".
    pieces = [p for r in runs(listed) for p in ([[m] for m in r] if len(r) == 2 else [r])]
    said: list[list[str]] = [[]]
    for i, piece in enumerate(pieces):
        again = i + 1 < len(pieces) and pieces[i + 1][-1][:4] == piece[0][:4]
        said[-1].append(months_alone(piece) if again else period(piece[0], piece[-1]))
        if not again and i + 1 < len(pieces):
            said.append([])
    years = [listing(year) for year in said]
    if len(years) > 1 and max(map(len, said)) > 1:
        return f"{', '.join(years[:-1])}, and {years[-1]}"  # a year has an "and" of its own
    return listing(years)


def percent_of(share: float, of: int) -> str:
    """Write a share (0-1) of `of` records: tenths of a per cent where there are enough.

    >>> percent_of(0.0304, 16583), percent_of(0.156, 200)
    ('3.0%', '16%')
    """
    return f"{share:.1%}" if of >= 1000 and share < 0.1 else f"{share:.0%}"


def this_place(data: Data) -> str:
    """Write "this mile" or "this area"."""
    return "this mile" if data.places["kind"].iloc[0] == "circle" else "this area"
