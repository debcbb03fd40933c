"""Turns of phrase that sentences built from numbers share; numbers themselves are in `words`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb import words
from crimenb.query import month_before
from crimenb.tables import CATEGORIES, force_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crimenb.tables import Data

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
    return f"{int(text[8:])} {words.month(text[:7])}" if len(text) == 10 and text[8:].isdigit() else time


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
    return words.listing([force_name(f) for f in forces])


def months_alone(months: Sequence[str]) -> str:
    """Write a run of months without the year: "October to December", "March"."""
    first, last = (words.month(m).split()[0] for m in (months[0], months[-1]))
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
        return words.period(rows[0][0], rows[0][-1])
    if len(rows) <= MOST_RUNS:
        return months(listed)
    return f"{spelt(len(listed))} of the months {words.period(rows[0][0], rows[-1][-1])}"


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
        said[-1].append(months_alone(piece) if again else words.period(piece[0], piece[-1]))
        if not again and i + 1 < len(pieces):
            said.append([])
    years = [words.listing(year) for year in said]
    if len(years) > 1 and max(map(len, said)) > 1:
        return f"{', '.join(years[:-1])}, and {years[-1]}"  # a year has an "and" of its own
    return words.listing(years)


def percent(share: float, of: int) -> str:
    """Write a share (0-1) of `of` records: tenths of a per cent where there are enough.

    >>> percent(0.0304, 16583), percent(0.156, 200)
    ('3.0%', '16%')
    """
    return f"{share:.1%}" if of >= 1000 and share < 0.1 else f"{share:.0%}"


def this_place(data: Data) -> str:
    """Write "this mile" or "this area"."""
    return "this mile" if data.places["kind"].iloc[0] == "circle" else "this area"
