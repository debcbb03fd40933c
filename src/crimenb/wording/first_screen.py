"""The first screen of a page: where, three numbers with their verdicts, and the one thing that matters most.

The verdicts are those of `wording.verdicts`; here it is only chosen which of them comes first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from crimenb.measures.changes import ChangeVerdict
from crimenb.measures.months import YEAR, MonthVerdict, Verdict
from crimenb.wording import format as write
from crimenb.wording.availability import part_sentence, published_sentence
from crimenb.wording.how_to_read import chance_sentence
from crimenb.wording.verdicts import (
    brief,
    brief_change,
    category_sentence,
    clear_categories,
    describe,
    describe_change,
    normal_range,
    recent_sentence,
    year_before,
    year_named,
    year_refused,
    year_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from crimenb.measures.place import Place
    from crimenb.query import Month
    from crimenb.usual_range import Range

_CODE = re.compile(r"[A-Z]\d{8}")
"""A code of the Office for National Statistics, which no reader knows as a name."""

MOST_BARS = 24


class LargeNumber(NamedTuple):
    """A number of the first screen: what it counts, its verdict, and its months.

    series: "crime" or "asb"; bars: the counts of `months`, None for a month that is not counted;
    strong: the months that the number counts, drawn dark; kind: of the verdict that `verdict` puts into
    words; range: the newest month's normal range.
    """

    value: int
    what: str
    verdict: str
    detail: str
    series: str
    months: list[str]
    bars: list[int | None]
    strong: Collection[Month]
    kind: MonthVerdict | ChangeVerdict
    range: Range | None = None


def place_in_words(place: Place) -> str:
    """Return the name people use for the place: "Hanley, Stoke-on-Trent"; "" where only codes are known."""
    names = dict.fromkeys(n for n in (place.ward, place.district) if n and not _CODE.fullmatch(n))
    return ", ".join(names)


def three_numbers(place: Place) -> list[LargeNumber]:
    """Return the newest month's crimes and reports, and the crimes of the latest year.

    Of a single month the third number would be the first again, so it is left out; where no month
    is counted there is none.
    """
    if not place.scope.months:
        return []
    numbers = [_newest(place, "crime", "crime", place.crime), _newest(place, "asb", "report", place.asb)]
    return [*numbers, _year(place)] if len(place.scope.months) > 1 else numbers


def _newest(place: Place, series: str, one: str, verdict: Verdict) -> LargeNumber:
    value = place.latest(series)
    what = write.plural(value, one, f"{one}s") + (" of anti-social behaviour" if series == "asb" else "")
    months, bars = _bars(place, series, YEAR, place.scope.latest)
    if place.scope.kind == "part":
        detail = "only a part of the area is counted"
    elif verdict.range:
        detail = normal_range(verdict) + ("" if verdict.adjusted else ", not adjusted for the time of year")
    else:
        detail = describe(verdict).removeprefix(brief(verdict)).lstrip(", ")
    return LargeNumber(
        value, f"{what} in {write.month(place.scope.latest)}", write.capital(brief(verdict)), detail,
        series, months, bars, months[-1:], verdict.kind, verdict.range,
    )  # fmt: skip


def _year(place: Place) -> LargeNumber:
    year = place.year
    strong: Collection[Month]
    months, bars = _bars(place, "crime", MOST_BARS, year.later[-1] if year.compared else place.scope.latest)
    if year.compared:
        named = year_named(year)
        when = named[0].lower() + named[1:]
        value, verdict = year.count_later, write.capital(brief_change(year))
        out = (
            f", both without {write.listing([*map(write.month_alone, year.missing)])}" if year.missing else ""
        )
        detail, strong = f"{year.count_earlier:,} {year_before(year)}{out}", year.later
    else:
        value, when, strong = place.total("crime"), write.in_period(place.scope.months), months
        verdict = "Not compared with the year before"
        detail = year_refused(place)
    what = f"{write.plural(value, 'crime', 'crimes')} {when}"
    return LargeNumber(value, what, verdict, detail, "crime", months, bars, strong, year.kind)


def _bars(place: Place, series: str, most: int, last: str) -> tuple[list[str], list[int | None]]:
    """Return the months up to the last one that the number counts: the dark bars and the range are at the end."""
    months = [m for m in place.status if m <= last][-most:]
    known = place.counts[series]
    return months, [int(known[m]) if m in known.index else None for m in months]


def what_matters(place: Place) -> tuple[str, str]:
    """Return the one sentence that matters most here, and what follows from it.

    In this order: what is missing, a clear change, a month outside its range, nothing unusual, and
    where nothing could be judged, the reason.
    """
    return (
        _missing(place)
        or clear_change(place)
        or _outside(place)
        or _nothing_unusual(place)
        or _not_judged(place)
    )


def _missing(place: Place) -> tuple[str, str] | None:
    within = place.scope
    if within.kind == "part":
        return "Only a part of the area is counted.", part_sentence(place)
    if len(within.months) < len(place.status) or within.thin:
        first, _, rest = published_sentence(place, limit=False).partition(". ")
        return f"{first.removesuffix('.')}.", rest
    return None


def clear_change(place: Place) -> tuple[str, str] | tuple[()]:
    """Return that something has clearly changed, and what; empty where nothing has."""
    if place.year.kind == ChangeVerdict.TOO_FEW_MONTHS:
        return ("Crime here has changed.", recent_sentence(place)) if place.recent.called else ()
    crime, asb, *categories = place.changes
    sentences = []
    if crime.called:
        sentences.append(year_sentence(place))
    if asb.called:
        sentences.append(f"Reports of anti-social behaviour: {describe_change(asb)}.")
    if any(c.called for c in categories):
        sentences.append(clear_categories(place))
    what = "Crime" if crime.called else "Part of what was recorded"
    return (f"{what} has clearly changed on the year.", " ".join(sentences)) if sentences else ()


def _outside(place: Place) -> tuple[str, str] | None:
    named = [
        f"{name} {write.plural(v.records, 'was', 'were')} {describe(v)}."
        for name, v in (("Crime", place.crime), ("Reports of anti-social behaviour", place.asb))
        if v.called
    ]
    sentences = [s.replace("Crime were", "Crime was") for s in named] + [category_sentence(place)]
    text = " ".join(s for s in sentences if s)
    return (f"{write.month(place.scope.latest)} was unusual.", text) if text else None


def _nothing_unusual(place: Place) -> tuple[str, str] | None:
    judged = [v for v in (place.crime, place.asb) if v.range is not None]
    if not judged:
        return None
    month = write.month_alone(place.scope.latest)
    if len(judged) == 2:
        text = f"Both {month} numbers are {brief(place.crime)}." if place.crime.kind == place.asb.kind else ""
    else:
        name = "number of crimes" if judged[0].series == "crime" else "number of reports"
        text = f"The {month} {name} is {brief(judged[0])}."
    if len(place.scope.months) > 1:
        text = f"{text} Of the months, only the newest is judged.".strip()
    return "Nothing unusual stands out.", text


def _not_judged(place: Place) -> tuple[str, str]:
    months = place.scope.months
    if not place.is_small:
        return "The newest month is not judged.", f"{write.capital(describe(place.crime))}."
    small = place.small
    if len(months) < 2 or not small.total:
        return "The numbers are too small to say what is usual.", ""
    return "The numbers are too small to say what is usual.", chance_sentence(place)
